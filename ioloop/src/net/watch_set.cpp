// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/context.hpp>
#include <ioloop/net/watch_set.hpp>

#include <utility>

namespace ioloop {

WatchSet::WatchSet(IOLoop& loop, std::string name, Handler on_ready, Callback on_timer, Origin origin)
    : loop_(loop),
      origin_(origin),
      calls_(std::make_shared<Calls>(Calls{std::move(on_ready), std::move(on_timer), {}})),
      scope_(loop, std::move(name), origin) {
    if (!calls_->on_ready || !calls_->on_timer) detail::refuse_null("WatchSet: null callable", origin);
}

void WatchSet::set(Fd fd, Events events) {
    std::error_code error;
    set(fd, events, error);
    if (error) raise(std::system_error(error, std::string("WatchSet::set: fd ").append(std::to_string(fd))));
}

void WatchSet::set(Fd fd, Events events, std::error_code& error) {
    error.clear();
    if (loop_.loop() == nullptr) return;
    const auto before = watched_.find(fd);
    if (before != watched_.end()) {
        // Not update_handler(): the number may be another file's now, and so new to the loop.
        scope_.remove_handler(fd);
        watched_.erase(before);
    }
    if (!any(events)) return;
    const NullContext none; // whoever asks for something brings his own
    scope_.add_handler(
        fd, [calls = calls_](Fd ready, Events how) { calls->on_ready(ready, how); }, events, error, origin_);
    if (!error) watched_.emplace(fd, events);
}

void WatchSet::set_timer(Duration delay) {
    IOLoop* const loop = loop_.loop();
    if (loop == nullptr) return;
    if (delay == forever) {
        scope_.remove_timeout(std::exchange(calls_->timeout, {}));
        return;
    }
    // Due already: said again in each turn, soon would never come.
    if (delay <= Duration::zero() && loop->deadline_of(calls_->timeout) <= loop->time()) return;
    if (scope_.update_timeout(calls_->timeout, after(loop->time(), delay))) return;
    const NullContext none;
    calls_->timeout = scope_.call_later(
        delay,
        [calls = calls_] {
            calls->timeout = {};
            calls->on_timer();
        },
        origin_);
}

} // namespace ioloop
