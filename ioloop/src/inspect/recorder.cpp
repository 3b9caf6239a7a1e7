// SPDX-License-Identifier: MIT
#include <ioloop/inspect/recorder.hpp>

#include <algorithm>

namespace ioloop {

Recorder::Recorder() : Recorder(Options{}) {}

Recorder::Recorder(Options options)
    : calls_(std::max<std::size_t>(options.calls, 1)),
      turns_(std::max<std::size_t>(options.turns, 1)),
      keep_empty_turns_(options.keep_empty_turns) {}

void Recorder::clear() noexcept { calls_seen_ = turns_kept_ = turns_seen_ = empty_turns_seen_ = 0; }

std::size_t Recorder::call_count() const noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(calls_seen_, calls_.size()));
}

const CallRecord& Recorder::call(std::size_t index) const noexcept {
    return calls_[static_cast<std::size_t>(calls_seen_ - call_count() + index) % calls_.size()];
}

std::size_t Recorder::turn_count() const noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(turns_kept_, turns_.size()));
}

const TurnRecord& Recorder::turn(std::size_t index) const noexcept {
    return turns_[static_cast<std::size_t>(turns_kept_ - turn_count() + index) % turns_.size()];
}

void Recorder::after_call(const CallRecord& record) {
    if (recording_) calls_[static_cast<std::size_t>(calls_seen_++) % calls_.size()] = record;
}

void Recorder::after_turn(const TurnRecord& record) {
    if (!recording_) return;
    ++turns_seen_;
    const bool empty = record.handlers + record.callbacks + record.timeouts == 0;
    if (empty) ++empty_turns_seen_;
    if (!empty || keep_empty_turns_) turns_[static_cast<std::size_t>(turns_kept_++) % turns_.size()] = record;
}

} // namespace ioloop
