// SPDX-License-Identifier: MIT
/// Recorder: an Observer that remembers: the last calls, changes and turns, and what they add up to. Floor 3.
///
/// Rings of fixed size, and a profile for each call site; all of it is allocated once, here. The callback queue
/// of a pumped loop is empty whenever a frame looks at it; what ran is the thing to see.
///
/// As a flight recorder: with a trigger it goes on until what you wait for has happened, then stops, and what
/// led to it is in the rings.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/inspect/breakpoints.hpp>
#include <ioloop/inspect/histogram.hpp>
#include <ioloop/inspect/site_profile.hpp>
#include <ioloop/observer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ioloop {

class Evidence; // what a Linter needs beside all this

/// A call that threw, and what.
struct ErrorRecord {
    CallRecord call;
    bool dropped = false;         ///< broken_pipe out of a handler, which the loop takes for no error
    std::array<char, 120> what{}; ///< ends in zero; cut off if it is longer
};

class Recorder final : public Observer {
public:
    struct Options {
        std::size_t calls = 4096;   ///< how many calls to remember
        std::size_t turns = 1024;   ///< how many turns
        std::size_t changes = 1024; ///< how many changes
        std::size_t errors = 64;    ///< how many errors
        std::size_t sites = 512;    ///< how many call sites to profile; about 1.2 KiB each
        /// Turns in which nothing was called are counted, not kept: a pumped loop has thousands a second.
        bool keep_empty_turns = false;
    };

    Recorder();
    explicit Recorder(Options options);
    ~Recorder() override;

    /// Stops remembering, keeps what there is.
    void set_recording(bool on) noexcept;
    bool recording() const noexcept { return recording_; }
    void clear() noexcept;

    // ---- the rings: of each the oldest is [0] ---------------------------------------------------

    std::size_t call_count() const noexcept { return calls_.size(); }
    const CallRecord& call(std::size_t index) const noexcept { return calls_[index]; }
    std::size_t turn_count() const noexcept { return turns_.size(); }
    const TurnRecord& turn(std::size_t index) const noexcept { return turns_[index]; }
    std::size_t change_count() const noexcept { return changes_.size(); }
    const ChangeRecord& change(std::size_t index) const noexcept { return changes_[index]; }
    std::size_t error_count() const noexcept { return errors_.size(); }
    const ErrorRecord& error(std::size_t index) const noexcept { return errors_[index]; }

    /// How many there were since clear(), those included that are remembered no more.
    std::uint64_t calls_seen() const noexcept { return calls_.seen(); }
    std::uint64_t changes_seen() const noexcept { return changes_.seen(); }
    std::uint64_t errors_seen() const noexcept { return errors_.seen(); }
    std::uint64_t turns_seen() const noexcept { return turns_seen_; }
    std::uint64_t empty_turns_seen() const noexcept { return empty_turns_seen_; }

    // ---- what they add up to, since clear() -----------------------------------------------------

    /// In the order in which they were first seen.
    std::span<const SiteProfile> profiles() const noexcept { return profiles_; }
    /// Null if it was not seen, or there were too many.
    const SiteProfile* profile(SiteId site, CallKind kind) const noexcept;
    /// Calls and changes of sites for which there was no room.
    std::uint64_t unprofiled() const noexcept { return unprofiled_; }

    struct Health {
        Histogram lateness; ///< of timeouts: from due to begun
        Histogram queueing; ///< of callbacks: from posted to begun
        Histogram calls;    ///< how long they took
        Histogram turns;    ///< how long the calls of a turn took together; of turns with calls
        Histogram waits;    ///< how long the poller slept; of waits that did
        Histogram frames;   ///< how much the loop took of a host's frame; see begin_frame()
    };
    /// Added up from the profiles when asked for, so that a call is counted once and not twice.
    Health health() const noexcept;
    /// Health::frames alone, for who looks often.
    const Histogram& frames() const noexcept { return health_.frames; }

    /// A host that draws frames says so once in each: how much of it the loop took is then known.
    void begin_frame() noexcept;

    // ---- a trigger: the flight recorder ---------------------------------------------------------

    struct Trigger {
        Duration slow_call = forever; ///< a call that takes at least that long
        Duration late = forever;      ///< a timeout or a callback that is called so late
        bool error = false;           ///< a call that throws
        std::uint32_t more_turns = 8; ///< to be recorded after that
    };
    /// Recording stops `more_turns` after the trigger was met. Once: set it again for another.
    void set_trigger(const Trigger& trigger) noexcept;
    void clear_trigger() noexcept { armed_ = false; }
    bool triggered() const noexcept { return triggered_; } ///< it was met, and nothing has begun anew since
    const CallRecord& triggered_by() const noexcept { return triggered_by_; }

    Breakpoints& breakpoints() noexcept { return breakpoints_; }
    const Breakpoints& breakpoints() const noexcept { return breakpoints_; }

    /// For the library's own.
    Evidence& evidence() noexcept { return *evidence_; }

    // ---- Observer -------------------------------------------------------------------------------

    bool pause_before(const CallRecord& next) override { return breakpoints_.stops_before(next); }
    void before_call(const CallRecord& record) override;
    void after_call(const CallRecord& record) override;
    void on_error(const CallRecord& record, const std::exception_ptr& error) override;
    void after_change(const ChangeRecord& record) override;
    void after_turn(const TurnRecord& record) override;

private:
    template <class Record> class Ring {
    public:
        explicit Ring(std::size_t capacity) : records_(capacity > 0 ? capacity : 1) {}
        void push(const Record& record) noexcept {
            records_[next_] = record;
            if (++next_ == records_.size()) next_ = 0;
            ++seen_;
        }
        std::size_t size() const noexcept {
            return seen_ < records_.size() ? static_cast<std::size_t>(seen_) : records_.size();
        }
        const Record& operator[](std::size_t index) const noexcept {
            const std::size_t at = next_ + records_.size() - size() + index;
            return records_[at < records_.size() ? at : at - records_.size()];
        }
        std::uint64_t seen() const noexcept { return seen_; }
        void clear() noexcept { next_ = 0, seen_ = 0; }

    private:
        std::vector<Record> records_;
        std::size_t next_ = 0;
        std::uint64_t seen_ = 0;
    };

    /// The one that was asked for last is found at once: calls of one site come in a row.
    SiteProfile* profile_for(SiteId site, CallKind kind) noexcept {
        return last_ != nullptr && last_->site == site && last_->kind == kind ? last_ : look_up(site, kind);
    }
    SiteProfile* look_up(SiteId site, CallKind kind) noexcept;
    std::size_t cell_of(SiteId site, CallKind kind) const noexcept;
    void count_unprofiled(const CallRecord& record) noexcept;
    void look_for_trigger(const CallRecord& record) noexcept;

    Ring<CallRecord> calls_;
    Ring<TurnRecord> turns_;
    Ring<ChangeRecord> changes_;
    Ring<ErrorRecord> errors_;
    std::uint64_t turns_seen_ = 0;
    std::uint64_t empty_turns_seen_ = 0;

    std::vector<SiteProfile> profiles_; ///< never more than its capacity
    std::vector<std::uint32_t> lookup_; ///< open addressing: position in profiles_ and 1, or 0
    SiteProfile* last_ = nullptr;       ///< that was looked up
    std::uint64_t unprofiled_ = 0;
    Health health_; ///< turns, waits and frames; of calls only those for which there was no profile
    Duration busy_in_frame_{};

    Trigger trigger_;
    bool armed_ = false;
    bool triggered_ = false;
    std::uint32_t turns_left_ = 0; ///< after the trigger
    CallRecord triggered_by_;

    std::unique_ptr<Evidence> evidence_;
    Breakpoints breakpoints_;
    bool recording_ = true;
    bool keep_empty_turns_ = false;
};

} // namespace ioloop
