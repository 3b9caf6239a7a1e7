// SPDX-License-Identifier: MIT
/// Heard: whether a listener hears every numbered line of many speakers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace arena {

class Heard {
public:
    /// From now on: what comes after these, of each speaker the number of his last line.
    void begin(const std::vector<std::uint32_t>& said) { last_ = said; }

    /// A line. Those from before begin() may still come, and do not count.
    void hear(std::size_t speaker, std::uint32_t number) {
        if (speaker >= last_.size() || number <= last_[speaker]) return;
        lost_ += number - last_[speaker] - 1;
        last_[speaker] = number;
        ++count_;
    }
    /// That was all: these are the last ones. Begins again with them.
    void end(const std::vector<std::uint32_t>& said) {
        for (std::size_t i = 0; i < last_.size() && i < said.size(); ++i) {
            if (said[i] > last_[i]) lost_ += said[i] - last_[i];
        }
        last_ = said;
    }

    std::uint64_t count() const noexcept { return count_; } ///< lines
    std::uint64_t lost() const noexcept { return lost_; }   ///< lines that should have come

private:
    std::vector<std::uint32_t> last_; ///< number of each speaker's; empty before begin()
    std::uint64_t count_ = 0;
    std::uint64_t lost_ = 0;
};

} // namespace arena
