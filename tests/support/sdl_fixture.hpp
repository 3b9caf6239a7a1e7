// SPDX-License-Identifier: MIT
/// Fixtures for tests of sdl2::Host: a real SDL, by default over its dummy video driver, which has no screen.
#pragma once

#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <SDL.h>
#include <gtest/gtest.h>

namespace ioloop::sdl2 {
inline void PrintTo(Mode mode, std::ostream* out) { *out << name_of(mode); } // for GoogleTest
} // namespace ioloop::sdl2

/// SDL from the first line of a test to its last, and what it logs.
class WithSdl : public testing::Test {
protected:
    explicit WithSdl(Uint32 subsystems = SDL_INIT_VIDEO) {
        // An X server without a client left begins anew, and is away for a moment.
        for (int tries = 1; SDL_Init(subsystems) != 0; ++tries) {
            if (tries == 100) throw std::runtime_error(SDL_GetError());
            SDL_Delay(20);
        }
        SDL_LogGetOutputFunction(&logger_before_, &logger_data_before_);
        SDL_LogSetOutputFunction(&log, &logged);
        forget_events();
    }
    ~WithSdl() override {
        SDL_SetEventFilter(nullptr, nullptr);
        SDL_LogSetOutputFunction(logger_before_, logger_data_before_);
        SDL_Quit();
    }

    /// What a modal loop of the window system does: SDL_PollEvent does not return, and all that happens is
    /// that SDL is told, every now and then, that the window changed. SDL_PushEvent runs the event watches
    /// like the window system's callback does.
    static void window_is_dragged(int times, Uint8 change = SDL_WINDOWEVENT_EXPOSED) {
        for (int i = 0; i < times; ++i) {
            SDL_Event event{};
            event.type = SDL_WINDOWEVENT;
            event.window.event = change;
            SDL_PushEvent(&event);
        }
    }

    /// An event of the program's. Thread: any.
    static void push(Sint32 code = 0, Uint32 type = SDL_USEREVENT) {
        SDL_Event event{};
        event.type = type;
        event.user.code = code;
        SDL_PushEvent(&event);
    }

    /// How many events of the program's, and of those who register types, are queued.
    static int queued_user_events() {
        SDL_Event events[8];
        return SDL_PeepEvents(events, 8, SDL_PEEKEVENT, SDL_USEREVENT, SDL_LASTEVENT);
    }

    /// SDL tells its own beginnings too: audio devices, joysticks.
    static void forget_events() {
        SDL_PumpEvents();
        SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);
    }

    std::string logged;

private:
    static void SDLCALL log(void* out, int, SDL_LogPriority, const char* message) {
        *static_cast<std::string*>(out) += message;
    }

    SDL_LogOutputFunction logger_before_ = nullptr;
    void* logger_data_before_ = nullptr;
};

/// A window that is shown, for SDL's real waits and for Mode::merge; none over the dummy driver.
class ShownWindow {
public:
    ShownWindow() {
        if (std::string_view(SDL_GetCurrentVideoDriver()) == "dummy") return;
        window_ = SDL_CreateWindow("ioloop", 0, 0, 64, 64, SDL_WINDOW_SHOWN);
        if (window_ == nullptr) throw std::runtime_error(SDL_GetError());
        settle();
    }
    ShownWindow(const ShownWindow&) = delete;
    ShownWindow& operator=(const ShownWindow&) = delete;
    ~ShownWindow() { destroy(); }

    SDL_Window* get() const { return window_; }
    void destroy() {
        if (window_ != nullptr) SDL_DestroyWindow(window_);
        window_ = nullptr;
    }
    /// Until the window system has told all there is to tell about it.
    static void settle() {
        while (SDL_WaitEventTimeout(nullptr, 60) != 0) SDL_FlushEvents(SDL_FIRSTEVENT, SDL_LASTEVENT);
    }

private:
    SDL_Window* window_ = nullptr;
};

/// How long something takes, in real time.
class Stopwatch {
public:
    ioloop::Duration elapsed() const { return ioloop::steady_clock().now() - begin_; }

private:
    ioloop::TimePoint begin_ = ioloop::steady_clock().now();
};

/// For what takes microseconds if it is right, on a busy machine, and a second or more if it is wrong.
inline constexpr ioloop::Duration at_once = std::chrono::milliseconds(600);

/// Stuck from the first event on: the tests need not wait.
inline ioloop::sdl2::Host::Options stuck_at_once() {
    ioloop::sdl2::Host::Options options;
    options.stuck_after = ioloop::no_wait;
    return options;
}

/// A host that waits for events, in each of the four modes.
class WaitingHost : public WithSdl, public testing::WithParamInterface<ioloop::sdl2::Mode> {
protected:
    using Mode = ioloop::sdl2::Mode;
    /// A piece so long that whoever is not woken is late. (But Mode::pump hears nothing of the loop in SDL.)
    static ioloop::sdl2::Host::Options options(Mode mode) {
        ioloop::sdl2::Host::Options options;
        options.mode = mode;
        if (mode == Mode::slack) options.piece = std::chrono::seconds(10);
        return options;
    }

    /// The next event of the program's own; 0 if there was none.
    static Sint32 wait_for_user_event(ioloop::sdl2::Host& host,
                                      ioloop::Duration timeout = std::chrono::seconds(5)) {
        SDL_Event event;
        const Stopwatch watch;
        while (host.wait_event(
            &event, ioloop::until(ioloop::TimePoint(timeout), ioloop::TimePoint(watch.elapsed())))) {
            if (event.type >= SDL_USEREVENT) return event.user.code;
        }
        return 0;
    }

    /// Does something on another thread, once the host has been asleep for a moment.
    std::thread on_another_thread(std::function<void()> what) {
        auto asleep = std::make_shared<std::latch>(1);
        loop->call_later(std::chrono::milliseconds(20), [asleep] { asleep->count_down(); });
        return std::thread([asleep, what = std::move(what)] {
            asleep->wait();
            std::this_thread::yield();
            what();
        });
    }

    ShownWindow window;
    std::unique_ptr<ioloop::IOLoop> loop = std::make_unique<ioloop::IOLoop>();
    ioloop::sdl2::Host host{*loop, options(GetParam())};
};

inline const auto all_modes = testing::Values(ioloop::sdl2::Mode::pump, ioloop::sdl2::Mode::slack,
                                              ioloop::sdl2::Mode::guest, ioloop::sdl2::Mode::merge);
inline std::string name_of_mode(const testing::TestParamInfo<ioloop::sdl2::Mode>& info) {
    return name_of(info.param);
}
