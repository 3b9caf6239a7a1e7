// SPDX-License-Identifier: MIT
#include <ioloop/sdl2.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include <SDL.h>

namespace ioloop::sdl2 {
namespace {

void log_error(const std::exception_ptr& error, const Origin& origin, CallKind kind) {
    const char* name = origin.name != nullptr ? origin.name : "unnamed";
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        SDL_LogError(SDL_LOG_CATEGORY_APPLICATION, "ioloop: error in %s '%s' at %s:%u: %s", name_of(kind),
                     name, origin.file, origin.line, e.what());
    } catch (...) {
        SDL_LogError(SDL_LOG_CATEGORY_APPLICATION,
                     "ioloop: error in %s '%s' at %s:%u: an exception that is no std::exception",
                     name_of(kind), name, origin.file, origin.line);
    }
}

/// The events that SDL sends from inside a modal loop of the window system.
bool is_window_change(const SDL_Event& event) {
    if (event.type != SDL_WINDOWEVENT) return false;
    switch (event.window.event) {
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_MOVED:
    case SDL_WINDOWEVENT_RESIZED:
    case SDL_WINDOWEVENT_SIZE_CHANGED: return true;
    default: return false;
    }
}

} // namespace

class Host::Impl {
public:
    Impl(IOLoop& loop, Options options) : loop_(loop), options_(options), thread_(SDL_ThreadID()) {
        if ((SDL_WasInit(SDL_INIT_EVENTS) & SDL_INIT_EVENTS) == 0) {
            throw std::logic_error("sdl2::Host: call SDL_Init(SDL_INIT_VIDEO or SDL_INIT_EVENTS) first");
        }
        if (options_.log_errors) {
            // A hook of the program's own has precedence.
            ErrorHook earlier = loop_.set_error_hook(log_error);
            logging_ = !earlier;
            if (earlier) loop_.set_error_hook(std::move(earlier));
        }
        SDL_AddEventWatch(&watch, this);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        SDL_DelEventWatch(&watch, this);
        if (logging_) loop_.set_error_hook(nullptr);
    }

    Turn pump(Budget budget) {
        require_thread("pump");
        const Turn turn = loop_.run_once(no_wait, budget);
        pumped();
        return turn;
    }

    Turn pump_until(TimePoint deadline) {
        require_thread("pump_until");
        // No slack: turns without sleeping, as many as the least of budgets allows. One would make a
        // question and its answer take two frames.
        const bool slack = deadline - options_.least > loop_.time();
        const Turn turn =
            slack ? loop_.run_until(deadline) : loop_.run_ready(Budget{options_.least, unlimited});
        if (turn.ended == Ended::paused) delay_until(deadline);
        pumped();
        return turn;
    }

    std::uint64_t rescued_turns() const noexcept { return rescued_turns_; }
    IOLoop& loop() noexcept { return loop_; }

private:
    /// SDL calls this for every event, inside SDL_PumpEvents or SDL_PushEvent, on whatever thread that is.
    static int SDLCALL watch(void* self, SDL_Event* event) {
        static_cast<Impl*>(self)->on_event(*event);
        return 0; // ignored for watches
    }

    void on_event(const SDL_Event& event) {
        if (SDL_ThreadID() != thread_ || !is_window_change(event)) return;
        if (loop_.in_call() || pumping_) return; // a callable pumps SDL's events: it has the loop in hand
        const TimePoint now = steady_clock().now();
        // Windows change in peace too. Only if the host has not come to pump for long is it stuck in there.
        if (!stuck_ && now - last_pump_ < options_.stuck_after) return;
        stuck_ = true;
        pumping_ = true;
        try {
            loop_.run_once(no_wait, Budget{options_.while_dragged, unlimited});
        } catch (...) {
            // An error hook that throws. This is called through C, which no exception may cross.
            log_error(std::current_exception(), Origin("sdl2::Host, while SDL_PollEvent was stuck"),
                      CallKind::handler);
        }
        pumping_ = false;
        ++rescued_turns_;
    }

    void require_thread(const char* member) const {
        if (SDL_ThreadID() == thread_) return;
        throw std::logic_error(std::string("sdl2::Host::") + member +
                               ": called from another thread than made the host");
    }

    void pumped() {
        last_pump_ = steady_clock().now();
        stuck_ = false;
    }

    static void delay_until(TimePoint deadline) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until(deadline, steady_clock().now()));
        SDL_Delay(static_cast<Uint32>(std::min<std::int64_t>(left.count(), 100)));
    }

    IOLoop& loop_;
    Options options_;
    SDL_threadID thread_;
    TimePoint last_pump_ = steady_clock().now();
    bool logging_ = false; ///< our error hook is in the loop
    bool stuck_ = false;   ///< the last turn was made by the watch
    bool pumping_ = false; ///< inside a turn made by the watch
    std::uint64_t rescued_turns_ = 0;
};

Host::Host(IOLoop& loop) : Host(loop, Options{}) {}
Host::Host(IOLoop& loop, Options options) : impl_(std::make_unique<Impl>(loop, options)) {}
Host::~Host() = default;

Turn Host::pump(Budget budget) { return impl_->pump(budget); }
Turn Host::pump_until(TimePoint deadline) { return impl_->pump_until(deadline); }
std::uint64_t Host::rescued_turns() const noexcept { return impl_->rescued_turns(); }
IOLoop& Host::loop() noexcept { return impl_->loop(); }

} // namespace ioloop::sdl2
