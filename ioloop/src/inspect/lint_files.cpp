// SPDX-License-Identifier: MIT
/// FileLints. A look at a number costs half a microsecond, a look at the kernel's list much more: so all numbers are looked
/// at in turn, and the kernel is asked when one of them is not what it was. Where there are few, it is asked
/// regularly, too: what was taken out of its set behind the loop's back shows nowhere else.
#include "lints.hpp"

#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop {
namespace {

constexpr std::size_t files_a_look = 256;
constexpr std::size_t few = 200; ///< handlers: asking the kernel about them takes 0.3 ms
constexpr Duration between_questions = std::chrono::seconds(1);
/// IOLoop looks itself when a handler has been ready for so long; what is found out then was ready, though closed.
constexpr std::size_t streak_of_a_ghost = 60;

bool can_block(Descriptor::Kind kind) {
    using Kind = Descriptor::Kind;
    switch (kind) {
    case Kind::tcp:
    case Kind::tcp_listener:
    case Kind::udp:
    case Kind::unix_stream:
    case Kind::unix_datagram:
    case Kind::pipe: return true;
    default: return false;
    }
}

Finding sighting(Lint lint, const HandlerInfo& handler, std::string_view what) {
    Finding found = finding_of(lint, handler);
    found.count = 1;
    found.sentence = name_and_fd(handler.chain, handler.fd).add(" ").add(what);
    return found;
}

} // namespace

FileLints::FileLints(const IOLoop& loop) { clear(loop); }

void FileLints::clear(const IOLoop& loop) noexcept { orphan_events_ = loop.statistics().orphan_events; }

void FileLints::look(const Look& look) {
    look_for_orphans(look);
    look_at_the_dead(look);
    look_for_suspects(look);
    const bool regularly = look.snapshot.handlers.size() <= few;
    if (suspicion_ || (regularly && look.uptime - asked_at_ >= between_questions)) ask_the_kernel(look);
}

void FileLints::look_for_suspects(const Look& look) noexcept {
    const auto& handlers = look.snapshot.handlers;
    const std::size_t count = std::min(handlers.size(), files_a_look);
    if (next_ >= handlers.size()) next_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const HandlerInfo& handler = handlers[next_];
        next_ = next_ + 1 < handlers.size() ? next_ + 1 : 0;
        const FileIdentity was = look.evidence.noted_file(handler.id);
        const FileIdentity is = file_of(handler.fd);
        if (!was && is) look.evidence.note_file(handler.id, handler.fd); // it came before the recorder did
        if (was && is != was) suspicion_ = true;
        if (!is_blocking(handler.fd)) continue;
        const Descriptor told = describe(handler.fd);
        if (told.blocking && can_block(told.kind)) {
            Finding found = sighting(Lint::blocking_fd, handler, "is a ");
            found.sentence.add(name_of(told.kind)).add(" without O_NONBLOCK");
            look.findings.saw(found);
        }
    }
}

void FileLints::ask_the_kernel(const Look& look) {
    const auto& handlers = look.snapshot.handlers;
    files_.clear();
    for (const HandlerInfo& handler : handlers) {
        if (const FileIdentity file = look.evidence.noted_file(handler.id))
            files_.push_back({handler.id, file});
    }
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    asked_at_ = look.uptime;
    suspicion_ = false;
    kernel_.read(look.snapshot.kernel_handle);
    const auto truths = kernel_.compare(handlers, files_);
    for (std::size_t i = 0; i < handlers.size(); ++i) {
        const HandlerInfo& handler = handlers[i];
        if (truths[i] == KernelTruth::in_step || truths[i] == KernelTruth::mask_differs) continue;
        if (truths[i] == KernelTruth::unknown && handlers.size() > few &&
            !look.evidence.noted_file(handler.id))
            continue;
        const FileIdentity was = look.evidence.noted_file(handler.id);
        const FileIdentity is = file_of(handler.fd);
        const bool watched = truths[i] == KernelTruth::ghost;
        if (was && is && is != was) {
            look.findings.saw(
                sighting(Lint::fd_reused, handler,
                         watched ? "is another file by now; a duplicate of the old one is still watched"
                                 : "is another file than the one that was added, and is not watched"));
        } else if (watched) {
            look.findings.saw(sighting(Lint::ghost_fd, handler,
                                       "was closed; a duplicate lives, and the kernel still watches it"));
        } else if (truths[i] != KernelTruth::unknown || (was && !is)) {
            look.findings.saw(
                sighting(Lint::lost_fd, handler,
                         is ? "is open, but was taken out of the kernel's set behind the loop's back"
                            : "was closed while its handler is registered: it is never called again"));
        } else {
            continue;
        }
        suspicion_ = true; // look again next time: does it last?
    }
    for (const KernelSet::Entry& entry : kernel_.leftovers()) {
        if (!entry.ghost) continue;
        // Who added it is known only if its removal is still remembered.
        for (std::size_t i = look.recorder.change_count(); i-- > 0;) {
            const ChangeRecord& change = look.recorder.change(i);
            if (change.id != entry.id || change.kind != CallKind::handler) continue;
            Finding found = finding_of(Lint::stale_event, CallKind::handler, change.chain);
            found.count = 1;
            found.fd = change.fd;
            found.sentence = name_and_fd(change.chain, change.fd)
                                 .add(" was removed after it was closed; a duplicate lives");
            look.findings.saw(found);
            break;
        }
    }
}

/// What the loop itself found closed, and dropped.
void FileLints::look_at_the_dead(const Look& look) noexcept {
    for (std::size_t i = look.recorder.change_count() - look.changes; i < look.recorder.change_count(); ++i) {
        const ChangeRecord& change = look.recorder.change(i);
        if (change.change != ChangeKind::died) continue;
        std::size_t ready = 0;
        for (std::size_t c = look.recorder.call_count(); c-- > 0 && ready < streak_of_a_ghost;) {
            const CallRecord& call = look.recorder.call(c);
            if (call.turn + streak_of_a_ghost + 4 < change.turn) break;
            if (call.kind == CallKind::handler && call.id == change.id) ++ready;
        }
        const bool ghost = ready >= streak_of_a_ghost && look.snapshot.kernel_handle != invalid_fd;
        Finding found = finding_of(ghost ? Lint::ghost_fd : Lint::lost_fd, CallKind::handler, change.chain);
        found.id = change.id;
        found.fd = change.fd;
        found.count = 1;
        found.sentence = name_and_fd(change.chain, change.fd);
        found.sentence.add(" was closed without remove_handler()");
        found.sentence.add(ghost ? " while a duplicate lives; the loop has dropped its handler"
                                 : "; the loop has dropped its handler");
        look.findings.saw(found);
    }
}

void FileLints::look_for_orphans(const Look& look) noexcept {
    const Statistics& statistics = look.snapshot.statistics;
    if (statistics.orphan_events > orphan_events_) {
        Chain chain{{statistics.orphan_site}};
        Fd fd = invalid_fd;
        for (std::size_t i = look.recorder.change_count();
             i-- > 0;) { // its number, if that is still remembered
            const ChangeRecord& change = look.recorder.change(i);
            if (change.kind != CallKind::handler || change.change != ChangeKind::removed) continue;
            if (change.chain.site() != statistics.orphan_site) continue;
            chain = change.chain;
            fd = change.fd;
            break;
        }
        Finding found = finding_of(Lint::stale_event, CallKind::handler, chain);
        found.fd = fd;
        found.count = statistics.orphan_events - orphan_events_;
        found.sentence = name_and_fd(chain, fd).add(" was removed after it was closed: its readiness came ");
        found.sentence.add(found.count).add(found.count == 1 ? " more time" : " more times");
        look.findings.saw(found);
    }
    orphan_events_ = statistics.orphan_events;
}

} // namespace ioloop
