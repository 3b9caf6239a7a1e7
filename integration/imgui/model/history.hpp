// SPDX-License-Identifier: MIT
/// History: what ran, the newest first, with equal calls in a row told as one.
#pragma once

#include "filter.hpp"
#include "view.hpp"

#include <ioloop/observer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ioloop::imgui {

class History {
public:
    struct Row {
        CallRecord last;         ///< the newest of them
        std::uint32_t count = 1; ///< calls in a row of the same thing
        Duration took{};         ///< all together
        Duration longest{};
        Duration latest{}; ///< the largest CallRecord::late
    };

    /// Held, it stays as it is, but for the filter.
    void update(const View& view, const Filter& filter, bool held);

    std::span<const Row> rows() const { return rows_; }
    /// How many of the rows' calls were told as one with others, and how many there are at all.
    std::size_t calls() const { return calls_; }

private:
    std::vector<CallRecord> source_; ///< the calls that the rows are made of
    std::vector<Row> rows_;
    std::size_t calls_ = 0;
    std::uint64_t calls_seen_ = 0;
    std::uint64_t filter_version_ = 0;
};

} // namespace ioloop::imgui
