// SPDX-License-Identifier: MIT
/// Evidence: what a Recorder notes for a Linter, and nobody else needs. Floor 3.
///
/// Which file a handler's number stood for when it was added; the long calls, with how long the machine kept them
/// waiting; and what suspects do with what is ready. All of it is bounded, and allocated once.
///
/// Thread: the loop's.
#pragma once

#include "../os/run_delay.hpp"
#include "../os/traffic.hpp"

#include <ioloop/clock.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/file_identity.hpp>
#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/observer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ioloop {

/// Looks over the shoulder of one handler: is what is ready less after its call, or at the end of the turn? A probe ends
/// after so many calls.
struct Probe {
    static constexpr std::uint32_t enough = 12; ///< calls

    std::uint64_t handler = 0; ///< HandlerInfo::id
    Fd fd = invalid_fd;
    Descriptor::Kind kind = Descriptor::Kind::other;
    std::uint32_t calls = 0;
    std::uint32_t readable_after = 0; ///< so many calls
    std::uint32_t broken_after = 0;   ///< the same, with an error or a hang-up
    bool read = false;                ///< something was
    bool wrote = false;
    bool told = false; ///< `last` is set
    Traffic last;

    bool done() const noexcept { return calls >= enough; }
    void look(bool after_call) noexcept;
};

class Evidence {
public:
    // ---- files ----------------------------------------------------------------------------------

    /// Two handlers may share a place, if there are very many: then the later one has it.
    void note_file(std::uint64_t handler, Fd fd) noexcept;
    /// None, if it was not noted.
    FileIdentity noted_file(std::uint64_t handler) const noexcept;

    // ---- long calls -----------------------------------------------------------------------------

    static constexpr Duration long_call = std::chrono::milliseconds(1);

    struct LongCall {
        CallRecord call;
        Duration delayed{}; ///< at most so much of it the thread waited for a CPU
    };
    /// The `back`th from the newest, which is 0. Requires: back < long_call_count().
    const LongCall& recent_long_call(std::size_t back) const noexcept {
        return long_calls_[static_cast<std::size_t>((long_seen_ - 1 - back) % long_calls_.size())];
    }
    std::size_t long_call_count() const noexcept {
        return long_seen_ < long_calls_.size() ? static_cast<std::size_t>(long_seen_) : long_calls_.size();
    }
    std::uint64_t long_calls_seen() const noexcept { return long_seen_; }

    /// How long this thread waited for a CPU since this was asked last.
    Duration delay_since_last() noexcept;

    // ---- suspects -------------------------------------------------------------------------------

    /// False: there are enough of them. True also if it is under way.
    bool start_probe(std::uint64_t handler, Fd fd) noexcept;
    std::span<const Probe> probes() const noexcept { return {probes_.data(), probe_count_}; }
    void end_probe(std::uint64_t handler) noexcept;
    void end_probes() noexcept { probe_count_ = 0; }

    // ---- what the recorder is told --------------------------------------------------------------

    void before_call(const CallRecord& record) noexcept {
        if (probe_count_ > 0 && record.kind == CallKind::handler) look_at(record.id, false);
    }
    void after_call(const CallRecord& record) noexcept {
        if (probe_count_ > 0 && record.kind == CallKind::handler) look_at(record.id, true);
        if (record.took >= long_call) note_long(record);
    }
    void after_turn(const TurnRecord& record) noexcept {
        last_turn_ = record.turn;
        for (std::size_t i = 0; i < probe_count_; ++i) {
            if (!probes_[i].done()) probes_[i].look(false);
        }
    }

private:
    struct NotedFile {
        std::uint64_t handler = 0;
        FileIdentity file;
    };

    void look_at(std::uint64_t handler, bool after_call) noexcept;
    void note_long(const CallRecord& record) noexcept;
    Duration read_delay() noexcept;

    std::vector<NotedFile> files_ = std::vector<NotedFile>(8192);
    std::vector<LongCall> long_calls_ = std::vector<LongCall>(256);
    std::uint64_t long_seen_ = 0;
    std::uint64_t last_turn_ = 0; ///< that was reported
    std::array<Probe, 16> probes_{};
    std::size_t probe_count_ = 0;
    RunDelay run_delay_;
    std::optional<Duration> delay_; ///< run_delay_ as read last
    Duration unasked_delay_{};      ///< of what was read: not yet given to delay_since_last()
};

} // namespace ioloop
