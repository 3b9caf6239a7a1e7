// SPDX-License-Identifier: MIT
/// T11: a host that is warm takes no memory. (SDL's own comes from malloc(), and is not counted.)
#include "support/counting_new.hpp"
#include "support/sdl_fixture.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <functional>

#include <SDL.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class Sdl2Allocations : public WaitingHost {
protected:
    /// Runs `work` until it is warm, then counts what it allocates.
    template <class F> static std::uint64_t allocations_of(F&& work) {
        for (int i = 0; i < 3; ++i) work();
        const std::uint64_t before = heap_allocations;
        work();
        return heap_allocations - before;
    }
};

INSTANTIATE_TEST_SUITE_P(Modes, Sdl2Allocations, all_modes, name_of_mode);

TEST_P(Sdl2Allocations, T11_waits_with_work_and_events_allocate_nothing) {
    const SocketPair pair;
    int calls = 0;
    const auto count = [&calls] { ++calls; };
    loop->add_handler(
        pair.a,
        [&](Fd, Events) {
            char buffer[16];
            os::receive(pair.a, buffer, sizeof buffer);
            ++calls;
        },
        Events::read);
    EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 50; ++i) {
                      loop->add_callback(count);
                      loop->call_later(100us, count);
                      os::send(pair.b, "x");
                      host.wait_event(nullptr, 1ms);
                      push();
                      SDL_Event event;
                      while (host.wait_event(&event, no_wait)) {}
                  }
              }),
              0U);
    EXPECT_GE(calls, 4 * 50);
    loop->remove_handler(pair.a);
}

TEST_P(Sdl2Allocations, T11_frames_allocate_nothing) {
    FramePacer pacer({.rate = 1000});
    EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 50; ++i) {
                      pacer.begin_frame();
                      for (int posts = 0; posts < 10; ++posts) loop->add_callback([] {});
                      host.pump();
                      host.pump(Budget{1ms});
                      host.pump(pacer);
                      host.pump_until(pacer);
                      host.request_frames(2);
                      while (host.take_frame()) {}
                  }
              }),
              0U);
}

TEST_P(Sdl2Allocations, T11_a_drag_allocates_nothing) {
    IOLoop dragged;
    sdl2::Host stuck(dragged, stuck_at_once());
    EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 100; ++i) {
                      dragged.add_callback([] {});
                      window_is_dragged(1);
                  }
                  forget_events();
              }),
              0U);
    EXPECT_EQ(stuck.rescued_turns(), 400U);
}

} // namespace
