// SPDX-License-Identifier: MIT
/// Journal: what happened to a loop, in one list: changes, calls, errors and turns, by time.
///
/// It sees what a moment shows it, once in a frame, and remembers it when the rings have long moved on. What
/// is not to be recorded is dropped on the way in, and so leaves the room to the rest.
#pragma once

#include "subject.hpp"
#include "view.hpp"

#include <ioloop/observer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop::imgui {

enum class JournalKind : std::uint8_t {
    woken,   ///< a turn began
    handled, ///< a handler was called
    ran,     ///< a callback
    fired,   ///< a timeout
    threw,   ///< any of them, by an exception
    added,   ///< as ChangeKind, from here on
    moved,
    removed,
    died,
};
inline constexpr std::size_t journal_kind_count = 9;

constexpr const char* name_of(JournalKind kind) noexcept {
    constexpr std::array<const char*, journal_kind_count> names{
        "woken", "handled", "ran", "fired", "threw", "added", "moved", "removed", "died"};
    return names[static_cast<std::size_t>(kind)];
}

/// A set of kinds.
class JournalKinds {
public:
    bool has(JournalKind kind) const { return on_[static_cast<std::size_t>(kind)]; }
    bool& operator[](JournalKind kind) { return on_[static_cast<std::size_t>(kind)]; }

private:
    std::array<bool, journal_kind_count> on_{true, true, true, true, true, true, true, true, true};
};

struct JournalEntry {
    TimePoint at{};
    std::uint64_t turn = 0;
    std::uint64_t id = 0; ///< as CallRecord::id; woken: 0
    Chain chain;          ///< of the object; woken: of its cause
    SiteId by = SiteId::none;
    Duration took{};            ///< a call; woken: how long it slept
    Duration late{};            ///< a call; woken: how long it might have slept
    TimePoint deadline = never; ///< of a timeout that was added or moved
    JournalKind what = JournalKind::woken;
    CallKind kind = CallKind::callback;
    WakeReason reason = WakeReason::polled; ///< woken
    Events events = Events::none;
    Fd fd = invalid_fd;
    std::array<char, 120> message{}; ///< threw: what; ends in zero
};
inline Subject subject_of(const JournalEntry& entry) { return {{entry.chain.site(), entry.kind}, entry.id}; }

class Journal {
public:
    static constexpr std::size_t capacity = 1024;

    /// Once in each frame that is shown.
    void update(const View& view);

    JournalKinds& recorded() { return recorded_; }

    std::size_t size() const { return size_; }
    /// The oldest is [0].
    const JournalEntry& operator[](std::size_t index) const { return ring_[place(index)]; }
    /// Another number for other entries.
    std::uint64_t version() const { return version_; }

private:
    std::size_t place(std::size_t index) const { return (first_ + index) % capacity; }
    void put(const JournalEntry& entry);
    void put_call(const CallRecord& call);
    void put_error(const ErrorRecord& error);
    void put_change(const ChangeRecord& change);
    void put_turn(const TurnRecord& turn);

    JournalKinds recorded_;
    std::vector<JournalEntry> ring_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    std::uint64_t version_ = 1;
    // How many of each were seen, as Moment counts them.
    std::uint64_t calls_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t changes_ = 0;
    std::uint64_t turns_ = 0;
};

} // namespace ioloop::imgui
