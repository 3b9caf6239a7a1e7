// SPDX-License-Identifier: MIT
/// IOLoop::Impl, chapter 2: descriptors, callbacks and timeouts come and go.
#include "here.hpp"
#include "io_loop_impl.hpp"
#include "os/process.hpp"
#include "raise.hpp"
#include "site_table.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace ioloop {
namespace {

[[noreturn]] void refuse_null_callback(const char* member, const Origin& origin) {
    raise(std::invalid_argument(std::string(member) + ": null callback, " + describe(origin)));
}

} // namespace

/// What a callable that is stored now will run in: what is current, unless it brings its own.
template <class R, class... Args> Context IOLoop::Impl::context_for(const Function<R(Args...)>& callable) {
    return here.node == nullptr || callable.carries_context() ? Context() : Context::current();
}

// ---- descriptors --------------------------------------------------------------------------------

std::error_code IOLoop::Impl::add_handler(Fd fd, Handler&& handler, Events events, const Origin& origin,
                                          std::unique_ptr<DescriptorObject> object) {
    require_usable("add_handler", &origin);
    if (!handler)
        raise(
            std::invalid_argument("add_handler: null handler for " + fd_name(fd) + ", " + describe(origin)));
    if (fd < 0) return make_error_code(std::errc::bad_file_descriptor);
    events = events & (Events::read | Events::write | Events::error);

    Context context = context_for(handler);
    HandlerEntry made{.handler = std::move(handler),
                      .chain = chain_at(site_table::number(origin)),
                      .context = std::move(context),
                      .object = std::move(object),
                      .fd = fd,
                      .interest = events,
                      .watched = events};

    // Everything that can fail comes before anything that is seen: the entry, then the poller, then the number.
    struct Undo {
        ~Undo() {
            if (watched) poller.remove(fd);
            if (emplaced) handlers.discard(key);
        }
        Poller& poller;
        HandlerTable& handlers;
        Fd fd;
        Poller::Key key;
        bool emplaced = true;
        bool watched = false;
    } undo{*poller_, handlers_, fd, handlers_.emplace(std::move(made))};
    HandlerEntry* earlier = handlers_.find(fd);
    if (earlier != nullptr && earlier->unwatched) {
        // The poller does not know it just now, but will again: as much a duplicate as any.
        return make_error_code(std::errc::file_exists);
    }
    if (auto error = poller_->add(fd, events, undo.key)) {
        // Not ours: a ghost, of the same file under the same number, that the poller could not be told to forget (epoll.cpp).
        if (error == std::errc::file_exists && earlier == nullptr)
            error = poller_->modify(fd, events, undo.key);
        if (error) return error;
    }
    undo.watched = true;
    // Destroyed last: its destructor may do anything, such as close the loop.
    std::optional<HandlerEntry> dead;
    if (earlier != nullptr) {
        // The poller knows better than the table: that file was closed, this is another under its number.
        if (observer_ != nullptr) tell_change(ChangeKind::died, handlers_.key_of(fd), *earlier);
        dead = handlers_.rebind(undo.key, turn_);
        ++statistics_.dead_handlers;
    } else {
        handlers_.bind(undo.key);
    }
    undo.emplaced = undo.watched = false;
    if (observer_ != nullptr) tell_change(ChangeKind::added, undo.key, handlers_.at(undo.key));
    statistics_.handlers = handlers_.size();
    statistics_.handlers_peak = std::max(statistics_.handlers_peak, statistics_.handlers);
    descriptors_changed();
    return {};
}

std::error_code IOLoop::Impl::update_handler(Fd fd, Events events) {
    require_usable("update_handler");
    HandlerEntry* entry = handlers_.find(fd);
    if (entry == nullptr) return make_error_code(std::errc::no_such_file_or_directory);
    events = events & (Events::read | Events::write | Events::error);
    if (entry->interest == events) return {};
    if (!entry->unwatched) {
        // The poller may watch for more than is wanted: the loop does not call for that. So a smaller interest can wait until
        // the poller is asked the next time, and may be a larger one again by then. But somebody else may be asking it.
        const bool can_wait = !any(events & ~entry->watched) && (statistics_.depth > 0 || !handle_watched_);
        if (!can_wait) {
            if (const auto error = watch(*entry, events, handlers_.key_of(fd))) return error;
        } else if (!entry->narrowed) {
            narrowed_.push_back(handlers_.key_of(fd));
            mark(Special::narrowed, true);
            entry->narrowed = true;
        }
    }
    entry->interest = events;
    if (observer_ != nullptr) tell_change(ChangeKind::moved, handlers_.key_of(fd), *entry);
    descriptors_changed();
    return {};
}

std::string IOLoop::Impl::handler_place(Fd fd) {
    const HandlerEntry* entry = handlers_.find(fd);
    return entry != nullptr ? describe(entry->chain.origin()) : std::string();
}

bool IOLoop::Impl::remove_handler(Fd fd) noexcept {
    HandlerEntry* entry = handlers_.find(fd);
    if (entry == nullptr) return false;
    // The system may have forgotten it already, if it was closed first. That is no error here.
    if (!entry->unwatched && poller_ && !forked()) poller_->remove(fd);
    if (observer_ != nullptr) tell_change(ChangeKind::removed, handlers_.key_of(fd), *entry);
    handlers_.remove(fd, turn_);
    statistics_.handlers = handlers_.size();
    descriptors_changed();
    return true;
}

// ---- callbacks and timeouts ---------------------------------------------------------------------

Chain IOLoop::Impl::chain_at(SiteId site) const noexcept {
    return frame_ != nullptr ? frame_->chain.then(site) : Chain{{site}};
}

bool IOLoop::Impl::post(Callback&& callback, const Origin& origin, bool detached) {
    if (callback && callback.is_words() && !detached &&
        try_post(*callback.operations(), callback.words(), origin)) {
        callback.forget();
        return true;
    }
    return post_in_full(std::move(callback), origin, detached);
}

/// By the inbox, if need be, which does not grow in Options::memory.
bool IOLoop::Impl::deliver(Callback&& callback, const Origin& origin) {
#if IOLOOP_EXCEPTIONS
    try {
        return post(std::move(callback), origin, false);
    } catch (const std::bad_alloc&) { // which leaves the callback as it was
        const bool inside = lock_.inside();
        const SiteId site = site_of(origin);
        CallbackLabel label{
            inside ? chain_at(site) : Chain{{site}}, context_for(callback), {}, !inside, queue_.stamps()};
        if (label.stampable) label.posted_at = clock_->now();
        if (!queue_.push_from_thread(std::move(callback), std::move(label))) return false;
        notify();
        return true;
    }
#else
    return post(std::move(callback), origin, false);
#endif
}

/// A post of which nothing is special, by the bytes of its closure; else false. On the loop's thread it calls nothing, saves no
/// register for what it does not call, and takes no atomic operation.
bool IOLoop::Impl::try_post(const Callback::Operations& operations, detail::ClosureWords closure,
                            const Origin& origin) {
    const site_table::Node* const site = site_table::find(origin);
    if (site == nullptr || here.node != nullptr) [[unlikely]]
        return false;
    if (lock_.inside())
        return frame_ != nullptr && queue_.is_clear() &&
               queue_.queued().try_push(operations, closure, frame_->chain.then(site->id));
    {
        const BiasedLock::Moment moment(lock_);
        if (moment) {
            if (!queue_.is_clear() || !queue_.queued().try_push(operations, closure, site->id, true))
                return false;
        } else if (queue_.stamps() || !queue_.push_from_thread(operations, closure, site->id)) {
            return false;
        }
    }
    // Not before the moment is over: who takes the loop over waits for that, and the host's waker may wait for him.
    notify();
    return true;
}

bool IOLoop::Impl::post_in_full(Callback&& callback, const Origin& origin, bool detached) {
    if (!callback) refuse_null_callback(detached ? "spawn_callback" : "add_callback", origin);
    const SiteId site = site_table::number(origin);
    CallbackLabel label{Chain{{site}}, {}, {}};
    if (!detached) label.context = context_for(callback);
    label.stampable = queue_.stamps();
    if (lock_.inside()) {
        if (!detached) label.chain = chain_at(site);
        // By a callable: it cannot run before that returns, and is stamped then, by the clock that is read anyway.
        if (label.stampable && frame_ == nullptr) label.posted_at = clock_->now();
        return queue_.push(std::move(callback), std::move(label));
    }
    if (label.stampable) label.posted_at = clock_->now();
    label.from_outside = true;
    if (const BiasedLock::Moment moment(lock_); moment) {
        if (!queue_.push(std::move(callback), std::move(label))) return false;
    } else if (!queue_.push_from_thread(std::move(callback), std::move(label))) {
        return false;
    }
    notify();
    return true;
}

/// Signal-safe: nothing here but atomics, a copy of bytes, and write(2).
bool IOLoop::Impl::post_from_signal(Callback&& callback, const Origin& origin,
                                    SignalQueue::Room room) noexcept {
    if (!callback || !signal_queue_.push(std::move(callback), origin, room)) return false;
    // As in notify(), but the state is left as it is: taking it over would mean to ring the host as well,
    // which takes a lock; and whoever posts next would take the host for rung.
    if (parked_.load() != Parked::no) wake_poller();
    if (paused_) {
        pulse_.fetch_add(1);
        notify_waiters(pulse_);
    }
    return true;
}

void IOLoop::Impl::collect_signals() {
    // At most a ring full: producers that are faster than this loop shall not keep it.
    for (std::size_t n = 0; n < 2 * SignalQueue::capacity && signal_queue_.ready(); ++n) {
        SignalQueue::Entry& entry = signal_queue_.front();
        CallbackLabel label{Chain{{site_of(entry.origin)}}, {}, {}, true};
        if (queue_.stamps()) label.posted_at = clock_->now();
        queue_.push(std::move(entry.callback), std::move(label));
        signal_queue_.pop();
    }
}

/// Requires: room for it. `context`: one, or nothing.
template <class... C>
inline Timeout IOLoop::Impl::begin_timeout(TimePoint deadline, Callback&& callback, SiteId site,
                                           C&&... context) noexcept {
    const auto id = timeouts_.emplace_reserved(std::move(callback), closures_, chain_at(site),
                                               std::forward<C>(context)...);
    timeout_queue_.arm(id.slot, deadline);
    if (timeouts_.size() > statistics_.timeouts_peak) statistics_.timeouts_peak = timeouts_.size();
    return {id.slot, id.generation};
}

/// Where nothing is special, arming calls nothing but what moves the closure. All that is special is arm_in_full()'s.
Timeout IOLoop::Impl::arm(TimePoint deadline, Callback&& callback, const Origin& origin, const char* member) {
    const site_table::Node* const site = site_table::find(origin);
    if (!usable() || site == nullptr || !callback || timeouts_.full() ||
        !(KeptClosure::fits(callback) || closures_.reserved()) || here.node != nullptr || timeouts_are_told())
        [[unlikely]]
        return arm_in_full(deadline, std::move(callback), origin, member);
    return begin_timeout(deadline, std::move(callback), site->id);
}

Timeout IOLoop::Impl::arm_in_full(TimePoint deadline, Callback&& callback, const Origin& origin,
                                  const char* member) {
    require_usable(member, &origin);
    if (!callback) refuse_null_callback(member, origin);
    const SiteId site = site_table::number(origin);
    timeout_queue_.reserve(timeouts_.end_after_emplace());
    timeouts_.reserve();
    closures_.reserve();
    Context context = context_for(callback);
    const Timeout armed = begin_timeout(deadline, std::move(callback), site, std::move(context));
    if (observer_ != nullptr) tell_change(ChangeKind::added, armed);
    first_timeout_changed(); // last: it may ring the host
    return armed;
}

/// As arm(): what is special is remove_in_full()'s.
bool IOLoop::Impl::remove_timeout(Timeout id) noexcept {
    if (refuse_foreign_thread("remove_timeout")) [[unlikely]]
        return false;
    if (!timeouts_.contains(id.slot, id.generation)) return false;
    if (!timeout_queue_.armed(id.slot) || timeouts_are_told()) [[unlikely]]
        return remove_in_full(id);
    timeout_queue_.disarm(id.slot);
    timeouts_.retire(id.slot);
    timeouts_.release(id.slot);
    return true;
}

bool IOLoop::Impl::remove_in_full(Timeout id) noexcept {
    bool running = false;
    if (timeout_queue_.armed(id.slot)) {
        timeout_queue_.disarm(id.slot);
    } else if (timeout_queue_.due(id.slot)) {
        timeout_queue_.take(id.slot);
        --due_left_;
    } else {
        if (!timeouts_.at(id.slot).rearmed) return false; // it has fired; this is its own callback
        running = true;                                   // whoever called it releases it
    }
    if (observer_ != nullptr) tell_change(ChangeKind::removed, id);
    timeouts_.retire(id.slot);
    first_timeout_changed();
    if (!running) timeouts_.release(id.slot);
    return true;
}

bool IOLoop::Impl::update_timeout(Timeout id, TimePoint deadline) noexcept {
    if (refuse_foreign_thread("update_timeout")) [[unlikely]]
        return false;
    if (!timeouts_.contains(id.slot, id.generation)) return false;
    // As a rule it is armed, and its entry, which may be far from the caches, is none of our business.
    if (timeout_queue_.armed(id.slot)) [[likely]] {
        timeout_queue_.rearm(id.slot, deadline);
    } else if (timeout_queue_.due(id.slot)) {
        timeout_queue_.arm(id.slot, deadline);
        --due_left_;
    } else {
        // It runs. Not before its call returns: a nested turn would enter it again, or spin on its deadline.
        timeouts_.at(id.slot).rearmed = true;
        timeout_queue_.plan(id.slot, deadline);
    }
    if (observer_ != nullptr) [[unlikely]]
        tell_change(ChangeKind::moved, id);
    first_timeout_changed();
    return true;
}

TimePoint IOLoop::Impl::deadline_of(Timeout id) const noexcept {
    return timeouts_.contains(id.slot, id.generation) ? timeout_queue_.deadline(id.slot) : never;
}

} // namespace ioloop
