// SPDX-License-Identifier: MIT
/// Recorder: an Observer that remembers the last calls and turns. Floor 3.
///
/// Two rings of fixed size, allocated once. The callback queue of a pumped loop is empty whenever a frame
/// looks at it; what ran is the thing to see.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/observer.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop {

class Recorder final : public Observer {
public:
    struct Options {
        std::size_t calls = 4096; ///< how many calls to remember
        std::size_t turns = 1024; ///< how many turns
        /// Turns in which nothing was called are counted, not kept: a pumped loop has thousands a second.
        bool keep_empty_turns = false;
    };

    Recorder();
    explicit Recorder(Options options);

    /// Stops remembering, keeps what there is.
    void set_recording(bool on) noexcept { recording_ = on; }
    bool recording() const noexcept { return recording_; }
    void clear() noexcept;

    /// How many are remembered; the oldest is [0].
    std::size_t call_count() const noexcept;
    const CallRecord& call(std::size_t index) const noexcept;
    std::size_t turn_count() const noexcept;
    const TurnRecord& turn(std::size_t index) const noexcept;

    /// How many there were since clear(), those included that are remembered no more.
    std::uint64_t calls_seen() const noexcept { return calls_seen_; }
    std::uint64_t turns_seen() const noexcept { return turns_seen_; }
    std::uint64_t empty_turns_seen() const noexcept { return empty_turns_seen_; }

    void after_call(const CallRecord& record) override;
    void after_turn(const TurnRecord& record) override;

private:
    std::vector<CallRecord> calls_;
    std::vector<TurnRecord> turns_;
    std::uint64_t calls_seen_ = 0;
    std::uint64_t turns_kept_ = 0;
    std::uint64_t turns_seen_ = 0;
    std::uint64_t empty_turns_seen_ = 0;
    bool recording_ = true;
    bool keep_empty_turns_ = false;
};

} // namespace ioloop
