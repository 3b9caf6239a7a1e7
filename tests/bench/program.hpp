// SPDX-License-Identifier: MIT
/// Program: the main loop of an SDL program, in one Way or another.
#pragma once

#include "way.hpp"

#include <ioloop/frame_pacer.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/sdl2.hpp>

#include <chrono>
#include <cstdint>

#include <SDL.h>

namespace bench {

using ioloop::TimePoint;

class Program {
public:
    Program(const Way& way, ioloop::IOLoop& loop) : way_(way), host_(loop, options(way)) {}

    ioloop::sdl2::Host& host() noexcept { return host_; }

    /// Comes back at `end`, or when quit() was called.
    void run_until(TimePoint end) {
        quit_ = false;
        way_.mode ? wait_for_events(end) : draw_frames(end);
    }
    /// Called by the loop.
    void quit() {
        quit_ = true;
        if (way_.mode) host_.request_frames();
    }

    /// So many frames; `on_frame(when it began)` stands for what the game does in one.
    template <class F> void draw_frames(int frames, F&& on_frame) {
        ioloop::FramePacer pacer({.rate = rate, .spin = way_.spin});
        for (int frame = 0; frame < frames; ++frame) draw(pacer, on_frame);
    }

private:
    static ioloop::sdl2::Host::Options options(const Way& way) {
        ioloop::sdl2::Host::Options options;
        options.mode = way.mode.value_or(options.mode);
        return options;
    }

    bool over(TimePoint end) const noexcept { return quit_ || ioloop::steady_clock().now() >= end; }

    void wait_for_events(TimePoint end) {
        while (!over(end)) {
            SDL_Event event;
            while (host_.wait_event(&event, ioloop::until(end, ioloop::steady_clock().now()))) {}
            while (host_.take_frame()) {}
        }
    }

    void draw_frames(TimePoint end) {
        ioloop::FramePacer pacer({.rate = rate, .spin = way_.spin});
        while (!over(end)) draw(pacer, [](TimePoint) {});
    }

    template <class F> void draw(ioloop::FramePacer& pacer, F&& on_frame) {
        pacer.begin_frame();
        on_frame(ioloop::steady_clock().now());
        SDL_Event event;
        while (SDL_PollEvent(&event) != 0) {}
        host_.pump(pacer);
        if (way_.slack_in_loop) {
            host_.pump_until(pacer);
        } else {
            const auto left = std::chrono::floor<std::chrono::milliseconds>(pacer.left());
            SDL_Delay(static_cast<std::uint32_t>(left.count()));
        }
    }

    Way way_;
    ioloop::sdl2::Host host_;
    bool quit_ = false;
};

} // namespace bench
