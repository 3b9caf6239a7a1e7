// SPDX-License-Identifier: MIT
/// IOLoop::Impl::Spend: the budget of a run_ call, and what of it is left. Floor 2.
#pragma once

#include "io_loop_impl.hpp"

#include <algorithm>
#include <cstdint>

namespace ioloop {

/// What a run_ call may still spend. Time is counted from the first call after a wait to the last: sleeping
/// is free.
struct IOLoop::Impl::Spend {
    explicit Spend(Budget budget, TimePoint not_after = never)
        : calls(budget.calls),
          time(std::max(budget.time, Duration::zero())),
          limit(not_after),
          timed(time != forever || limit != never),
          limited(timed || calls != unlimited) {}

    std::uint32_t calls;
    Duration time;
    TimePoint limit; ///< begin no call after this moment
    bool timed;
    bool limited;
    std::uint32_t made = 0;
    bool stepping = false;  ///< runs although the loop is paused
    bool measuring = false; ///< `begin` is set
    bool checks = true;     ///< there is something to look at before the next call
    bool exact = false;     ///< by the clock; else by its ticks, as without a budget no call needs to know
    TimePoint begin{};
};

/// The first call of a turn, or of a piece of one, is about to be made.
inline void IOLoop::Impl::measure(Spend& spend) {
    spend.measuring = true;
    spend.exact = spend.timed || observer_ != nullptr;
    spend.begin = instant_ = spend.exact ? clock_->now() : clock_->not_after();
    spend.checks = spend.limited;
}

/// The calls are made: accounts for their time.
inline void IOLoop::Impl::settle(Spend& spend, Turn& out) {
    if (abandoned_) return;
    spend.measuring = false;
    spend.checks = true;
    const TimePoint end = !spend.exact ? clock_->not_after() : instant_ends_call_ ? instant_ : clock_->now();
    const Duration busy = end - spend.begin;
    out.busy += busy;
    if (spend.time != forever) spend.time -= busy;
    if (statistics_.depth == 1) statistics_.busy += busy; // a nested call's time is in its outer's
}

} // namespace ioloop
