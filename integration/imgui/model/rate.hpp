// SPDX-License-Identifier: MIT
/// Rate: how fast a counter counts; Share: in how much of another one's counts it does. Both are smoothed over
/// about a second.
#pragma once

#include <ioloop/clock.hpp>

#include <cmath>
#include <cstdint>

namespace ioloop::imgui {

class Rate {
public:
    /// How often to look at a counter. More often makes the digits flicker, and shows no more.
    static constexpr Duration interval = std::chrono::milliseconds(250);

    void sample(std::uint64_t counter, TimePoint now) {
        const double seconds = std::chrono::duration<double>(now - at_).count();
        if (!begun_ || counter < counter_) {
            begun_ = true;
        } else if (now - at_ < interval) {
            return;
        } else {
            const double rate = static_cast<double>(counter - counter_) / seconds;
            value_ += (known_ ? 1 - std::exp(-seconds) : 1.0) * (rate - value_);
            known_ = true;
        }
        counter_ = counter;
        at_ = now;
    }
    double per_second() const { return value_; }
    /// False until there was time to see it count.
    bool known() const { return known_; }

private:
    double value_ = 0;
    std::uint64_t counter_ = 0;
    TimePoint at_{};
    bool begun_ = false;
    bool known_ = false;
};

class Share {
public:
    void sample(std::uint64_t part, std::uint64_t whole, TimePoint now) {
        const double seconds = std::chrono::duration<double>(now - at_).count();
        if (!begun_ || part < part_ || whole < whole_) {
            begun_ = true;
        } else if (now - at_ < Rate::interval || whole == whole_) {
            return;
        } else {
            const double share = static_cast<double>(part - part_) / static_cast<double>(whole - whole_);
            value_ += (known_ ? 1 - std::exp(-seconds) : 1.0) * (share - value_);
            known_ = true;
        }
        part_ = part;
        whole_ = whole;
        at_ = now;
    }
    double value() const { return value_; }
    bool known() const { return known_; }

private:
    double value_ = 0;
    std::uint64_t part_ = 0;
    std::uint64_t whole_ = 0;
    TimePoint at_{};
    bool begun_ = false;
    bool known_ = false;
};

} // namespace ioloop::imgui
