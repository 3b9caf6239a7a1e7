// SPDX-License-Identifier: MIT
/// The lints, by what they look at; each has a file of its own (lint_files.cpp, ...). Floor 3.
///
/// A look is given to each of them in turn. They remember what they need for the next one, in memory of fixed size.
/// What they see goes to the Findings; what hides what is in lint_rules.cpp.
#pragma once

#include "evidence.hpp"
#include "findings.hpp"

#include <ioloop/inspect/kernel_set.hpp>
#include <ioloop/inspect/linter.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop {

/// One look at the loop, and what is new since the one before.
struct Look {
    const Snapshot& snapshot;
    const Recorder& recorder;
    Evidence& evidence;
    const Linter::Options& options;
    Findings& findings;

    Duration uptime{}; ///< goes on as Findings wants it
    Duration passed{}; ///< of that, since the look before
    Duration delay{};  ///< in that time this thread waited for a CPU
    bool held = false; ///< or the loop's time stood still
    bool objects =
        true; ///< handlers and timeouts may be gone through; of very many only at every other look or so

    // Of each ring so many at the end are new.
    std::size_t calls = 0;
    std::size_t turns = 0;
    std::size_t changes = 0;
    std::size_t errors = 0;

    /// The turn is the last one, or the one before: of what goes on it is not known yet whether it does in this one.
    bool is_recent(std::uint64_t turn) const noexcept { return turn + 2 >= snapshot.turn; }
};

/// "'server link' (fd 7)"; without a number the name alone.
Text name_and_fd(const Chain& chain, Fd fd);
Finding finding_of(Lint lint, const HandlerInfo& handler);
Finding finding_of(Lint lint, CallKind kind, const Chain& chain);

/// busy-read, write-spin, hup-spin: what is ready turn after turn.
class SpinLints {
public:
    void look(const Look& look) noexcept;
    void clear() noexcept { cleared_ = {}; }

private:
    struct Cleared {
        std::uint64_t handler = 0;
        Duration until{}; ///< uptime
    };

    void judge(const Look& look, const HandlerInfo& handler, const Probe& probe) noexcept;

    std::array<Cleared, 1024> cleared_{}; ///< of suspicion, by the handler's id
    std::size_t next_ = 0;                ///< of the handlers: where to go on looking for suspects
};

/// ghost-fd, lost-fd, fd-reused, blocking-fd, stale-event: what a number stands for.
class FileLints {
public:
    explicit FileLints(const IOLoop& loop);
    void look(const Look& look);
    void clear(const IOLoop& loop) noexcept;

private:
    void look_for_suspects(const Look& look) noexcept;
    void ask_the_kernel(const Look& look);
    void look_at_the_dead(const Look& look) noexcept;
    void look_for_orphans(const Look& look) noexcept;

    KernelSet kernel_;
    std::vector<RegisteredFile> files_; ///< for it
    std::size_t next_ = 0;              ///< of the handlers: where to go on
    bool suspicion_ = false;
    Duration asked_at_{};             ///< uptime
    std::uint64_t orphan_events_ = 0; ///< as last seen
};

/// slow-dispatch, over-budget, repost-forever, queue-growing, threw: calls, and what they are too much of.
class CallLints {
public:
    void look(const Look& look) noexcept;
    /// What the recorder holds is not new.
    void clear(Recorder& recorder) noexcept;

private:
    struct Slow {
        SiteId site = SiteId::none;
        CallKind kind = CallKind::callback;
        std::uint64_t count = 0;
        Duration longest{};
        Duration last{}; ///< uptime
    };

    void look_for_slow_calls(const Look& look) noexcept;
    void look_at_frames(const Look& look) noexcept;
    void look_for_reposts(const Look& look) noexcept;
    void look_at_the_queue(const Look& look) noexcept;
    void look_for_errors(const Look& look) noexcept;

    std::uint64_t long_calls_seen_ = 0;
    std::array<Slow, 32> slow_{};
    Histogram frames_;                ///< as they were when the window began
    Duration frames_delay_{};         ///< in this window
    std::uint32_t rising_ = 0;        ///< turns in a row after which more was queued
    std::uint32_t queued_after_ = 0;  ///< the last of them
    std::uint32_t growing_ = 0;       ///< looks in a row
    std::uint32_t queued_ = 0;        ///< at the last look
    std::uint64_t callbacks_run_ = 0; ///< by then
};

/// starvation, late-timer: what runs long after it could have.
class DelayLints {
public:
    void look(const Look& look) noexcept;
    void clear() noexcept { *this = DelayLints(); }

private:
    struct Tally {
        std::uint64_t late = 0;
        Duration latest{};
        CallRecord example; ///< that one
        Text blame;
    };

    void look_at(const Look& look, const CallRecord& call, std::size_t before, Duration allowed,
                 Tally& tally) noexcept;
    void report(const Look& look) noexcept;

    std::array<Tally, 2> timeouts_{}; ///< of this window, and of the one before
    std::array<Tally, 2> callbacks_{};
    std::array<std::uint64_t, 2> timeouts_run_{};
    Duration window_{}; ///< how long this one has lasted
};

/// zero-timeout-loop, timeout-storm, timer-leak, periodic-overrun: timeouts, and how many live.
class TimeoutLints {
public:
    TimeoutLints();
    void look(const Look& look) noexcept;
    void clear() noexcept;

private:
    static constexpr std::size_t windows = 8;

    /// By the position of a SiteProfile.
    struct Site {
        std::uint64_t added = 0; ///< when the window began; so are the next two
        std::uint64_t ended = 0;
        std::uint64_t churned = 0; ///< in the window before
        std::uint64_t calls = 0;   ///< at the last look; so is the next
        Duration busy{};
        std::uint32_t live = 0;           ///< now
        std::uint32_t live_before = 0;    ///< when the last window of a leak began
        std::uint32_t live_first = 0;     ///< when it began to grow
        std::uint32_t handlers_first = 0; ///< and how many there were in all
        std::uint32_t grown = 0;          ///< windows in a row
        Duration period = forever;        ///< the shortest of its timeouts
        std::uint64_t id = 0;             ///< and that timeout
    };

    void look_for_zero_timeouts(const Look& look) noexcept;
    void look_for_storms(const Look& look) noexcept;
    void look_for_bursts(const Look& look) noexcept;
    void look_for_leaks(const Look& look) noexcept;
    void look_for_overruns(const Look& look) noexcept;
    void count_objects(const Look& look) noexcept;

    std::vector<Site> sites_;
    Duration storm_window_{};        ///< how long it has lasted
    Duration leak_window_{};         ///< of timeouts
    std::uint32_t leak_windows_ = 0; ///< since descriptors were compared
    std::uint64_t last_burst_ = 0;   ///< its turn
};

/// not-pumped, cross-thread.
class HostLints {
public:
    explicit HostLints(const IOLoop& loop);
    /// At every call of check(): is the loop run?
    void note_progress(const Snapshot& snapshot) noexcept;
    void look(const Look& look) noexcept;
    void clear(const IOLoop& loop) noexcept;

private:
    std::uint64_t progress_ = 0; ///< turns and calls, when last seen
    TimePoint seen_at_{};        ///< the loop's time at the last call
    Duration idle_{};            ///< for so long nobody ran it
    Duration ready_{};           ///< for so long a descriptor has been ready, and nobody ran it
    std::uint64_t foreign_calls_ = 0;
};

} // namespace ioloop
