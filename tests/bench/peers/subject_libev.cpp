// SPDX-License-Identifier: MIT
/// libev. It has no posts: its user brings a queue and drains it right after ev_run().
#include "scenarios.hpp"

#include <chrono>
#include <stdexcept>

#include <ev.h>

namespace bench::peers {

namespace {

class Libev {
public:
    struct Io {
        ev_io watcher{};
    };
    struct Timer {
        ev_timer watcher{};
    };

    Libev() : loop_(ev_loop_new(EVFLAG_AUTO)) {
        if (loop_ == nullptr) throw std::runtime_error("ev_loop_new");
        ev_async_init(&async_, [](struct ev_loop*, ev_async* async, int) {
            static_cast<Libev*>(async->data)->shared_.drain();
        });
        async_.data = this;
        ev_async_start(loop_, &async_);
    }
    Libev(const Libev&) = delete;
    Libev& operator=(const Libev&) = delete;
    ~Libev() { ev_loop_destroy(loop_); }

    void step() {
        ev_run(loop_, EVRUN_NOWAIT);
        queue_.drain();
    }
    void step_blocking() {
        ev_run(loop_, EVRUN_ONCE);
        queue_.drain();
    }
    void post(Work work, void* argument) { queue_.push(work, argument); }
    void post_threadsafe(Work work, void* argument) {
        if (shared_.push(work, argument)) ev_async_send(loop_, &async_);
    }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        ev_io_init(
            &io.watcher, [](struct ev_loop*, ev_io* watcher, int) { f(watcher->data); }, fd,
            translated(events));
        io.watcher.data = argument;
        ev_io_start(loop_, &io.watcher);
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        ev_io_stop(loop_, &io.watcher);
        ev_io_set(&io.watcher, io.watcher.fd, translated(events));
        ev_io_start(loop_, &io.watcher);
    }
    void remove_io(Io& io) { ev_io_stop(loop_, &io.watcher); }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        ev_timer_init(
            &timer.watcher, [](struct ev_loop*, ev_timer* watcher, int) { f(watcher->data); }, seconds(delay),
            0.);
        timer.watcher.data = argument;
        ev_timer_start(loop_, &timer.watcher);
    }
    void cancel(Timer& timer) { ev_timer_stop(loop_, &timer.watcher); }
    void rearm(Timer& timer, Duration delay) {
        timer.watcher.repeat = seconds(delay); // the way that its manual recommends
        ev_timer_again(loop_, &timer.watcher);
    }
    void read_clock() { ev_now_update(loop_); }
    void take_time_of_turn() {}

private:
    static ev_tstamp seconds(Duration delay) { return std::chrono::duration<ev_tstamp>(delay).count(); }
    static int translated(unsigned events) {
        return ((events & readable) != 0 ? EV_READ : 0) | ((events & writable) != 0 ? EV_WRITE : 0);
    }

    struct ev_loop* loop_;
    ev_async async_{};
    WorkQueue queue_;
    SharedQueue shared_;
};

} // namespace

void enrol_libev(Registry& registry) { enrol<Libev>({registry, "libev", Kind::peer}); }

} // namespace bench::peers
