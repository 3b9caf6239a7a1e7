// SPDX-License-Identifier: MIT
/// GLib's loop in ours: a handler for each descriptor that it asks for, a timeout for its timers.
#include <ioloop/ioloop.hpp>

#include <glib.h>

using namespace std::chrono_literals;

static gboolean on_timer(gpointer loop) {
    g_print("2 GLib: the timer\n");
    static_cast<ioloop::IOLoop*>(loop)->stop();
    return G_SOURCE_REMOVE;
}

int main() {
    ioloop::IOLoop loop;
    GMainContext* const guest = g_main_context_default();
    g_main_context_acquire(guest); // then what other threads add wakes it; what this one adds needs soon()
    GPollFD fds[64];
    int count = 0, priority = 0, wait = 0;
    ioloop::Timeout turn;
    const auto soon = [&](auto...) { loop.update_timeout(turn, loop.time()); };
    turn = loop.call_later(0ms, [&] {
        for (int i = 0; i < count; ++i) loop.remove_handler(fds[i].fd);
        g_poll(fds, static_cast<guint>(count), 0);
        if (g_main_context_check(guest, priority, fds, count) != 0) g_main_context_dispatch(guest);
        g_main_context_prepare(guest, &priority);
        count = MIN(g_main_context_query(guest, priority, &wait, fds, 64), 64);
        // Events has the bits of G_IO_IN and G_IO_OUT.
        for (int i = 0; i < count; ++i) loop.add_handler(fds[i].fd, soon, ioloop::Events{fds[i].events});
        loop.update_timeout(turn, wait < 0 ? ioloop::never : loop.time() + wait * 1ms);
    });
    loop.call_later(20ms, [&] {
        g_print("1 ioloop: a timeout; another thread arms a timer of GLib's\n");
        loop.run_in_executor([&] { return g_timeout_add(20, on_timer, &loop); });
    });
    loop.start();
    return loop.statistics().turns < 20 ? 0 : 1; // it slept in between
}
