// SPDX-License-Identifier: MIT
#include "evidence.hpp"

#include <algorithm>
#include <utility>

namespace ioloop {

// ---- a suspect ----------------------------------------------------------------------------------

void Probe::look(bool after_call) noexcept {
    const Traffic now = traffic_of(fd, kind);
    if (told) {
        // Between turns the peer reads and writes: only less to read, or more written, is this program's doing.
        if (last.unread && now.unread && *now.unread < *last.unread) read = true;
        if (last.written && now.written && *now.written > *last.written) wrote = true;
        // An eventfd that is read counts from zero again.
        if (any(last.ready & Events::read) && !any(now.ready & Events::read)) read = true;
    }
    last = now;
    told = true;
    if (!after_call) return;
    ++calls;
    if (any(now.ready & Events::read)) ++readable_after;
    if (any(now.ready & Events::error)) ++broken_after;
}

bool Evidence::start_probe(std::uint64_t handler, Fd fd) noexcept {
    Probe* const end = probes_.data() + probe_count_;
    if (std::any_of(probes_.data(), end, [&](const Probe& probe) { return probe.handler == handler; }))
        return true;
    if (probe_count_ == probes_.size()) return false;
    Probe& made = probes_[probe_count_++] = Probe{};
    made.handler = handler;
    made.fd = fd;
    made.kind = describe(fd).kind;
    return true;
}

void Evidence::end_probe(std::uint64_t handler) noexcept {
    for (std::size_t i = 0; i < probe_count_; ++i) {
        if (probes_[i].handler != handler) continue;
        probes_[i] = probes_[--probe_count_];
        return;
    }
}

void Evidence::look_at(std::uint64_t handler, bool after_call) noexcept {
    for (std::size_t i = 0; i < probe_count_; ++i) {
        if (probes_[i].handler == handler && !probes_[i].done()) probes_[i].look(after_call);
    }
}

// ---- files --------------------------------------------------------------------------------------

void Evidence::note_file(std::uint64_t handler, Fd fd) noexcept {
    files_[static_cast<std::size_t>(handler % files_.size())] = {handler, file_of(fd)};
}

FileIdentity Evidence::noted_file(std::uint64_t handler) const noexcept {
    const NotedFile& noted = files_[static_cast<std::size_t>(handler % files_.size())];
    return noted.handler == handler ? noted.file : FileIdentity{};
}

// ---- long calls ---------------------------------------------------------------------------------

void Evidence::note_long(const CallRecord& record) noexcept {
    const Duration delayed = read_delay();
    unasked_delay_ += delayed;
    // It ran the loop itself, a modal dialog say: what took long in there is noted already.
    if (last_turn_ >= record.turn) return;
    long_calls_[static_cast<std::size_t>(long_seen_++ % long_calls_.size())] = {
        record, std::min(delayed, record.took)};
}

Duration Evidence::delay_since_last() noexcept {
    unasked_delay_ += read_delay();
    return std::exchange(unasked_delay_, Duration{});
}

/// Since the reading before.
Duration Evidence::read_delay() noexcept {
    const auto now = run_delay_.waited();
    Duration since{};
    if (now && delay_ && *now > *delay_) since = *now - *delay_; // less: it is of another thread
    delay_ = now;
    return since;
}

} // namespace ioloop
