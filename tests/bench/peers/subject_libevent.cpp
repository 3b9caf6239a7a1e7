// SPDX-License-Identifier: MIT
/// libevent with its locks, as a program with threads has it. It has no posts: its user brings a queue.
#include "scenarios.hpp"

#include <chrono>
#include <stdexcept>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/thread.h>

namespace bench::peers {

namespace {

/// By default its clock is a coarse one, and a timer may be 4 ms late.
template <bool precise> class Libevent {
public:
    struct Io {
        event watcher{};
    };
    struct Timer {
        event watcher{};
        bool assigned = false;
    };

    Libevent() {
        static const int threads = evthread_use_pthreads();
        event_config* const config = threads == 0 ? event_config_new() : nullptr;
        if (config != nullptr) {
            if (precise) event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
            base_ = event_base_new_with_config(config);
            event_config_free(config);
        }
        if (base_ == nullptr) throw std::runtime_error("event_base_new_with_config");
        event_assign(
            &posted_, base_, -1, EV_PERSIST,
            [](evutil_socket_t, short, void* self) { static_cast<Libevent*>(self)->shared_.drain(); }, this);
        event_add(&posted_, nullptr);
    }
    Libevent(const Libevent&) = delete;
    Libevent& operator=(const Libevent&) = delete;
    ~Libevent() { close_all(); }

    void close_all() {
        // It takes out what is still in it.
        if (base_ != nullptr) event_base_free(base_);
        base_ = nullptr;
    }

    void step() {
        // EVLOOP_NONBLOCK alone goes on until nothing is ready.
        event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);
        queue_.drain();
    }
    void step_blocking() {
        event_base_loop(base_, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
        queue_.drain();
    }
    void post(Work work, void* argument) { queue_.push(work, argument); }
    void post_threadsafe(Work work, void* argument) {
        if (shared_.push(work, argument)) event_active(&posted_, EV_READ, 0);
    }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        event_assign(
            &io.watcher, base_, fd, translated(events), [](evutil_socket_t, short, void* arg) { f(arg); },
            argument);
        event_add(&io.watcher, nullptr);
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        void* const argument = event_get_callback_arg(&io.watcher);
        const evutil_socket_t fd = event_get_fd(&io.watcher);
        event_del(&io.watcher);
        add_io<f>(io, fd, events, argument);
    }
    void remove_io(Io& io) { event_del(&io.watcher); }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        if (!timer.assigned) {
            event_assign(
                &timer.watcher, base_, -1, 0, [](evutil_socket_t, short, void* arg) { f(arg); }, argument);
            timer.assigned = true;
        }
        rearm(timer, delay);
    }
    void cancel(Timer& timer) { event_del(&timer.watcher); }
    void rearm(Timer& timer, Duration delay) {
        const auto whole = std::chrono::ceil<std::chrono::microseconds>(delay).count();
        const timeval time{whole / 1'000'000, whole % 1'000'000};
        event_add(&timer.watcher, &time);
    }
    void read_clock() { event_base_update_cache_time(base_); }
    void take_time_of_turn() {}

private:
    static short translated(unsigned events) {
        return static_cast<short>(EV_PERSIST | ((events & readable) != 0 ? EV_READ : 0) |
                                  ((events & writable) != 0 ? EV_WRITE : 0));
    }

    event_base* base_ = nullptr;
    event posted_{};
    WorkQueue queue_;
    SharedQueue shared_;
};

} // namespace

void enrol_libevent(Registry& registry) {
    enrol<Libevent<false>>({registry, "libevent", Kind::peer});
    enrol<Libevent<true>>({registry, "libevent-precise", Kind::peer, "lateness"});
}

} // namespace bench::peers
