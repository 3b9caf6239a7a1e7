// SPDX-License-Identifier: MIT
/// IOLoop::Impl, beside chapter 2: what the poller watches, which is to be what is registered.
#include "io_loop_impl.hpp"
#include "raise.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <iterator>
#include <new>
#include <span>
#include <string>
#include <utility>

namespace ioloop {

std::error_code IOLoop::Impl::watch(HandlerEntry& entry, Events events, Poller::Key key) {
    const auto error = poller_->modify(entry.fd, events, key);
    if (!error) entry.watched = events;
    return error;
}

/// A nested turn waits while handlers are on the stack. Their descriptors may well be ready still, and may
/// not be called: watching them would make the wait return at once, over and over. They are watched again
/// when they return.
void IOLoop::Impl::unwatch_running() {
    for (Call* call = frame_; call != nullptr; call = call->outer) {
        if (call->kind != CallKind::handler) continue;
        HandlerEntry* entry = handlers_.find_key(call->id);
        if (entry == nullptr || entry->unwatched) continue;
        poller_->remove(entry->fd);
        entry->unwatched = true;
    }
}

/// Before a turn: tells the poller of interests that have become smaller, and of what it could not take.
void IOLoop::Impl::tell_poller() {
    while (!narrowed_.empty()) {
        const Poller::Key key = narrowed_.back();
        narrowed_.pop_back();
        HandlerEntry* const entry = handlers_.find_key(key);
        if (entry == nullptr) continue;
        entry->narrowed = false;
        if (entry->unwatched || entry->watched == entry->interest) continue;
        const auto error = watch(*entry, entry->interest, key);
        if (!error) continue;
        if (is_shortage(error)) { // it would go on about what nobody wants
            poller_->remove(entry->fd);
            set_adrift(*entry);
        } else {
            bury(*entry);
        }
    }
    mark(Special::narrowed, false); // not before: the hook may throw in the middle
    if (!abandoned_ && (special_ & Special::adrift) != 0 && retry_at_ <= clock_->now()) watch_adrift();
}

/// Not watched from here on, until watch_adrift().
void IOLoop::Impl::set_adrift(HandlerEntry& entry) noexcept {
    entry.unwatched = true;
    descriptors_changed();
    if ((special_ & Special::adrift) != 0) return; // it takes part when the others are tried again
    mark(Special::adrift, true);
    retry_at_ = clock_->now();
}

/// Adds a descriptor that was taken from the poller, or that this has forgotten.
std::error_code IOLoop::Impl::watch_again(HandlerEntry& entry, Poller::Key key) {
#if IOLOOP_EXCEPTIONS
    try {
#endif
        auto error = poller_->add(entry.fd, entry.interest, key);
        if (error && error == std::errc::file_exists) // it was not taken out, after all
            error = poller_->modify(entry.fd, entry.interest, key);
        if (error) return error;
#if IOLOOP_EXCEPTIONS
    } catch (const std::bad_alloc&) {
        return make_error_code(std::errc::not_enough_memory);
    }
#endif
    entry.watched = entry.interest;
    entry.unwatched = entry.reported = false;
    return {};
}

/// Adds those that are adrift. Whose descriptor is not what was added any more, goes. Who was refused for a lack of something
/// stays, and is tried again, a while later.
void IOLoop::Impl::watch_adrift() {
    constexpr Duration least_pause = std::chrono::milliseconds(10);
    constexpr int share = 10; // attempts take no more than a tenth of the time, however many are adrift
    struct Refusal {
        Poller::Key key;
        std::error_code error;
    };
    std::array<Refusal, 64> refusals; // no vector: it may be memory that is lacking
    std::size_t count = 0;
    bool first_round = true;
    Duration took{};
    do {
        const TimePoint begin = clock_->now();
        bool all = true;
        bool some = false;
        count = 0;
        handlers_.for_each([&](Poller::Key key, HandlerEntry& entry) {
            if (!entry.unwatched || entry.running) return;
            if (first_round || (count < refusals.size() && !entry.reported)) {
                const auto error = watch_again(entry, key);
                if (!error) {
                    some = true;
                    return;
                }
                if (count < refusals.size() && !(entry.reported && is_shortage(error)))
                    refusals[count++] = {key, error};
            }
            all = false;
        });
        if (some) descriptors_changed();
        mark(Special::adrift, !all);
        const TimePoint now = clock_->now();
        took += now - begin;
        retry_at_ = after(now, std::max(least_pause, share * took));
        // After the round, as the hook may do anything, such as throw, or run a nested turn. Hence another round.
        for (const Refusal& refusal : std::span(refusals).first(count)) {
            if (HandlerEntry* entry = handlers_.find_key(refusal.key)) lose(*entry, refusal.error);
            if (abandoned_) return;
        }
        first_round = false;
    } while (count > 0);
}

/// It could not be watched again.
void IOLoop::Impl::lose(HandlerEntry& entry, std::error_code error) {
    if (!entry.unwatched) return; // by now it could
    const Fd fd = entry.fd;
    const Chain chain = entry.chain;
    if (!is_shortage(error)) {
        drop(entry);
    } else if (std::exchange(entry.reported, true)) {
        return;
    }
    report_lost(fd, chain, error);
}

/// Makes the poller forget what cannot be named any more, and tells it again what is registered.
void IOLoop::Impl::rebuild_poller() {
    if (poller_->reset()) return; // out of descriptors, say: the next stale readiness tries again
    handlers_.for_each([&](Poller::Key, HandlerEntry& entry) { set_adrift(entry); });
    watch_adrift();
}

// ---- what the poller refuses ---------------------------------------------------------------------

/// Of an error by which the poller refuses a descriptor that it had before: the system lacks something. Else it is not what was
/// added any more: closed, or another file.
bool IOLoop::Impl::is_shortage(std::error_code error) {
    using enum std::errc;
    static constexpr std::errc shortages[] = {not_enough_memory,
                                              no_space_on_device,
                                              no_buffer_space,
                                              too_many_files_open,
                                              too_many_files_open_in_system,
                                              resource_unavailable_try_again,
                                              interrupted};
    return std::any_of(std::begin(shortages), std::end(shortages),
                       [&](std::errc shortage) { return error == shortage; });
}

void IOLoop::Impl::report_lost(Fd fd, const Chain& chain, std::error_code error) {
    const bool kept = is_shortage(error);
    if (!kept) error = make_error_code(std::errc::bad_file_descriptor); // whatever the poller calls it
    const auto what = [&] {
        return fd_name(fd) +
               (kept ? " cannot be watched just now; its handler is kept, and that is tried again"
                     : " was closed without remove_handler(); its handler is dropped");
    };
#if IOLOOP_EXCEPTIONS
    std::exception_ptr told;
    try {
        told = std::make_exception_ptr(std::system_error(error, what()));
    } catch (const std::bad_alloc&) {
        told = std::current_exception();
    }
    report_error(told, chain, CallKind::handler);
#else
    std::fprintf(stderr, "ioloop: %s (%s): %s\n", what().c_str(), describe(chain.origin()).c_str(),
                 error.message().c_str());
#endif
}

/// Drops a registration whose descriptor was closed behind our back, and says so.
void IOLoop::Impl::bury(HandlerEntry& entry) {
    const Fd fd = entry.fd;
    const Chain chain = entry.chain;
    poller_->remove(fd);
    drop(entry);
    report_lost(fd, chain, make_error_code(std::errc::bad_file_descriptor));
}

void IOLoop::Impl::drop(HandlerEntry& entry) noexcept {
    if (observer_ != nullptr) tell_change(ChangeKind::died, handlers_.key_of(entry.fd), entry);
    handlers_.remove(entry.fd, turn_);
    statistics_.handlers = handlers_.size();
    ++statistics_.dead_handlers;
}

} // namespace ioloop
