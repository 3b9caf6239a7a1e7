// SPDX-License-Identifier: MIT
/// libuv. It has no posts: its user brings a queue and drains it right after uv_run().
#include "scenarios.hpp"

#include <chrono>

#include <uv.h>

namespace bench::peers {

namespace {

void checked_uv(int result, const char* what) {
    if (result < 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(result));
}

class Libuv {
public:
    struct Io {
        uv_poll_t handle{};
    };
    struct Timer {
        uv_timer_t handle{};
        bool initialized = false;
    };

    Libuv() {
        checked_uv(uv_loop_init(&loop_), "uv_loop_init");
        checked_uv(
            uv_async_init(&loop_, &async_,
                          [](uv_async_t* async) { static_cast<Libuv*>(async->data)->shared_.drain(); }),
            "uv_async_init");
        async_.data = this;
    }
    Libuv(const Libuv&) = delete;
    Libuv& operator=(const Libuv&) = delete;
    ~Libuv() {
        close_all();
        uv_loop_close(&loop_);
    }

    void step() {
        uv_run(&loop_, UV_RUN_NOWAIT);
        queue_.drain();
    }
    void step_blocking() {
        uv_run(&loop_, UV_RUN_ONCE);
        queue_.drain();
    }
    void post(Work work, void* argument) { queue_.push(work, argument); }
    void post_threadsafe(Work work, void* argument) {
        if (shared_.push(work, argument)) uv_async_send(&async_);
    }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        checked_uv(uv_poll_init(&loop_, &io.handle, fd), "uv_poll_init");
        io.handle.data = argument;
        update_io<f>(io, events);
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        const int wanted =
            ((events & readable) != 0 ? UV_READABLE : 0) | ((events & writable) != 0 ? UV_WRITABLE : 0);
        checked_uv(uv_poll_start(&io.handle, wanted, [](uv_poll_t* handle, int, int) { f(handle->data); }),
                   "uv_poll_start");
    }
    void remove_io(Io& io) { uv_close(handle_of(io.handle), nullptr); }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        if (!timer.initialized) {
            uv_timer_init(&loop_, &timer.handle);
            timer.initialized = true;
        }
        timer.handle.data = argument;
        uv_timer_start(&timer.handle, &fire<f>, rounded_up(delay), 0);
    }
    void cancel(Timer& timer) { uv_timer_stop(&timer.handle); }
    void rearm(Timer& timer, Duration delay) {
        uv_timer_start(&timer.handle, timer.handle.timer_cb, rounded_up(delay), 0);
    }
    void read_clock() { uv_update_time(&loop_); }
    void take_time_of_turn() {}

    void close_all() {
        uv_walk(
            &loop_,
            [](uv_handle_t* handle, void*) {
                if (uv_is_closing(handle) == 0) uv_close(handle, nullptr);
            },
            nullptr);
        uv_run(&loop_, UV_RUN_DEFAULT);
    }

private:
    template <Work f> static void fire(uv_timer_t* handle) {
        // UV_RUN_ONCE would go on to block, having run a timer that was due in the beginning.
        uv_stop(handle->loop);
        f(handle->data);
    }
    static std::uint64_t rounded_up(Duration delay) {
        return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(delay).count());
    }
    template <class H> static uv_handle_t* handle_of(H& handle) {
        return reinterpret_cast<uv_handle_t*>(&handle);
    }

    uv_loop_t loop_{};
    uv_async_t async_{};
    WorkQueue queue_;
    SharedQueue shared_;
};

} // namespace

void enrol_libuv(Registry& registry) { enrol<Libuv>({registry, "libuv", Kind::peer}); }

} // namespace bench::peers
