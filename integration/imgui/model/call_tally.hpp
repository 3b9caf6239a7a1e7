// SPDX-License-Identifier: MIT
/// CallTally: what the calls of one object add up to, as far as they were seen. Unseen: which records were not.
#pragma once

#include "sum.hpp"

#include <ioloop/clock.hpp>
#include <ioloop/observer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ioloop::imgui {

struct CallTally {
    std::uint64_t calls = 0;
    Duration took{}; ///< all together
    Duration longest{};
    Duration late{}; ///< the last one
    Duration latest{};
    Duration late_sum{};
    TimePoint begin{};   ///< of the last one
    Duration interval{}; ///< between the last two

    void add(const CallRecord& call) {
        if (calls > 0) interval = call.begin - begin;
        ++calls;
        took = sum(took, call.took);
        longest = std::max(longest, call.took);
        late = call.late;
        latest = std::max(latest, call.late);
        late_sum = sum(late_sum, call.late);
        begin = call.begin;
    }
    bool empty() const { return calls == 0; }
    Duration average() const { return empty() ? Duration{} : took / static_cast<Duration::rep>(calls); }
    Duration average_late() const {
        return empty() ? Duration{} : late_sum / static_cast<Duration::rep>(calls);
    }
};

class Unseen {
public:
    /// Those of the `last` ones, the newest last, that were not taken yet; `seen`: how many there were ever.
    template <class Record> std::span<const Record> take(std::span<const Record> last, std::uint64_t seen) {
        const std::uint64_t fresh = seen < taken_ ? seen : seen - taken_; // less: they began anew
        taken_ = seen;
        return last.last(static_cast<std::size_t>(std::min<std::uint64_t>(fresh, last.size())));
    }

private:
    std::uint64_t taken_ = 0;
};

} // namespace ioloop::imgui
