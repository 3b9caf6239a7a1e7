// SPDX-License-Identifier: MIT
/// SpinLints. A handler that is ready turn after turn is a suspect: a busy connection is, too. So somebody looks over its
/// shoulder for some calls: only one that lets lie what is ready is to blame.
#include "lints.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop {
namespace {

/// A hang-up never ends, so it takes fewer turns to be sure.
constexpr std::uint32_t broken_streak = 8;
/// What was acquitted is left alone for so long.
constexpr Duration acquittal = std::chrono::seconds(5);

bool is_broken(const HandlerInfo& handler) {
    return any(handler.last_ready & Events::error) && !any(handler.last_ready & Events::read);
}

bool is_suspect(const Look& look, const HandlerInfo& handler) {
    const std::uint32_t enough =
        is_broken(handler) ? std::min(broken_streak, look.options.streak) : look.options.streak;
    return handler.streak >= enough && look.is_recent(handler.last_turn);
}

/// A datagram is read whole, and what waits behind it looks like the one before.
bool tells_reads(const Probe& probe) { return probe.kind != Descriptor::Kind::unix_datagram; }

} // namespace

void SpinLints::look(const Look& look) noexcept {
    if (!look.objects) return;
    const auto& handlers = look.snapshot.handlers;
    // Those that are looked at already.
    const auto probes = look.evidence.probes();
    for (std::size_t i = probes.size(); i-- > 0;) {
        const Probe probe = probes[i];
        const auto handler = std::find_if(handlers.begin(), handlers.end(),
                                          [&](const HandlerInfo& each) { return each.id == probe.handler; });
        const bool suspect = handler != handlers.end() && is_suspect(look, *handler);
        if (suspect && !probe.done()) continue;
        if (suspect) judge(look, *handler, probe);
        look.evidence.end_probe(probe.handler);
    }
    // And new ones, beginning where the last look ended.
    const std::size_t count = handlers.size();
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = (next_ + i) % count;
        const HandlerInfo& handler = handlers[at];
        if (!is_suspect(look, handler)) continue;
        const Cleared& cleared = cleared_[static_cast<std::size_t>(handler.id % cleared_.size())];
        if (cleared.handler == handler.id && look.uptime < cleared.until) continue;
        if (look.evidence.start_probe(handler.id, handler.fd)) continue;
        next_ = at;
        break;
    }
}

void SpinLints::judge(const Look& look, const HandlerInfo& handler, const Probe& probe) noexcept {
    const auto about = [&](Lint lint) {
        Finding found = finding_of(lint, handler);
        found.count = handler.streak;
        found.sentence = name_and_fd(handler.chain, handler.fd);
        return found;
    };
    const bool readable =
        any(handler.last_ready & Events::read) && probe.readable_after == probe.calls && !probe.read;
    if (readable && tells_reads(probe)) {
        Finding found = about(Lint::busy_read);
        found.sentence.add(" was readable in ").add(handler.streak).add(" turns in a row and was not read");
        if (probe.last.unread == std::uint64_t{0}) {
            found.sentence.add(": the stream is at its end");
        } else if (probe.kind == Descriptor::Kind::tcp_listener && probe.last.unread) {
            found.sentence.add(": ").add(*probe.last.unread).add(" connections wait for accept()");
        } else if (probe.kind != Descriptor::Kind::eventfd && probe.last.unread) {
            found.sentence.add(": ").add(format_bytes(*probe.last.unread).view()).add(" wait");
        }
        look.findings.saw(found);
        return;
    }
    if (is_broken(handler) && probe.broken_after == probe.calls) {
        Finding found = about(Lint::hup_spin);
        found.sentence.add(" reported an error or hang-up in ").add(handler.streak);
        found.sentence.add(" turns in a row, and its handler stays");
        look.findings.saw(found);
        return;
    }
    if (any(handler.last_ready & Events::write) && probe.last.written && !probe.wrote) {
        Finding found = about(Lint::write_spin);
        found.sentence.add(" was writable in ")
            .add(handler.streak)
            .add(" turns in a row and nothing was written");
        look.findings.saw(found);
        return;
    }
    cleared_[static_cast<std::size_t>(handler.id % cleared_.size())] = {handler.id, look.uptime + acquittal};
}

} // namespace ioloop
