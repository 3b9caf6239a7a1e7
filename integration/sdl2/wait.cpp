// SPDX-License-Identifier: MIT
/// Host, chapter 2: a program that sleeps until something happens, on either side.
///
/// The modes differ in who sleeps. In SDL's wait, the loop is deaf, and needs a guest's waiter (or a look now and then); in
/// the loop's wait, SDL is deaf, and needs its connection watched (or a look now and then). In both cases the order is:
/// say that you are going to sleep, look once more at what the other side may have left, sleep.
#include "display_connection.hpp"
#include "host_impl.hpp"

#include <algorithm>
#include <climits>
#include <stdexcept>
#include <string>
#include <utility>

namespace ioloop::sdl2 {
namespace {

/// For SDL, which counts milliseconds; rounded up, -1 for ever.
int milliseconds(Duration time) {
    if (time == forever) return -1;
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(time).count();
    return static_cast<int>(std::min<decltype(count)>(count, INT_MAX));
}

/// How long SDL can do without being pumped while nothing comes over its connection. Joysticks and sensors are polled; for
/// the rest (D-Bus, timers of the window system) SDL's own wait does not hurry either.
Duration longest_merged_sleep() {
    const bool joystick = (SDL_WasInit(SDL_INIT_JOYSTICK) & SDL_INIT_JOYSTICK) != 0 && SDL_NumJoysticks() > 0;
    const bool sensor = (SDL_WasInit(SDL_INIT_SENSOR) & SDL_INIT_SENSOR) != 0 && SDL_NumSensors() > 0;
    return joystick || sensor ? std::chrono::milliseconds(10) : std::chrono::seconds(1);
}

} // namespace

bool Host::Impl::wait_event(SDL_Event* event, Duration timeout) {
    const Visit visit(*this, "wait_event");
    const TimePoint deadline = after(now(), timeout);
    stopped_ = false;
    struct Deaf { // to SDL_PushEvent() on other threads, but for our watch
        explicit Deaf(Impl& h) : host(h), before(set(true)) {}
        Deaf(const Deaf&) = delete;
        Deaf& operator=(const Deaf&) = delete;
        ~Deaf() { set(before); }
        bool set(bool value) const {
            const std::lock_guard lock(host.loop_sleep_mutex_);
            return std::exchange(host.loop_sleeps_, value);
        }
        Impl& host;
        bool before;
    } const deaf(*this);

    for (;;) {
        make_turn();
        take_app_events();
        last_seen_ = now();
        if (poll(event)) return true;
        if (stopped_ || frames_.load() > 0) return false;
        const Duration left = until(deadline, now());
        if (left == no_wait) return false;
        if (!post_idle(left)) sleep(left);
    }
}

/// What there is to do now.
void Host::Impl::make_turn() {
    if (options_.mode == Mode::guest && !loop_.in_call()) {
        guest(); // runs
        if (Function<void()> turn = posted_turn_->take()) turn();
        if (!guest_->running()) stopped_ = true;
        return;
    }
    note(loop_.run_once(no_wait, Budget{options_.turn, unlimited}));
}

/// As SDL_PollEvent(), for events that are the program's.
bool Host::Impl::poll(SDL_Event* event) {
    if (event == nullptr) {
        SDL_PumpEvents();
        wake_event_.take_out();
        return SDL_PollEvent(nullptr) != 0;
    }
    while (SDL_PollEvent(event) != 0) {
        if (!wake_event_.is(*event)) return true;
        wake_event_.forget();
    }
    return false;
}

void Host::Impl::sleep(Duration left) {
    ++sleeps_;
    // Inside a callable the guest does not run: its turn is under way. But the loop can be run again.
    const Mode mode = loop_.in_call() ? Mode::slack : options_.mode;
    active_mode_ = mode;
    switch (mode) {
    case Mode::pump: return sleep_in_sdl(std::min({left, options_.piece, loop_.time_to_deadline()}));
    case Mode::slack: return sleep_in_loop(std::min(left, options_.piece));
    case Mode::guest: return sleep_in_sdl(left);
    case Mode::merge:
        if (sleep_merged(left)) return;
        active_mode_ = Mode::guest;
        guest(); // runs
        if (Function<void()> turn = posted_turn_->take()) turn();
        return sleep_in_sdl(left);
    }
}

void Host::Impl::sleep_in_sdl(Duration left) {
    wake_event_.forget();
    if (posted_turn_->full() || frames_.load() > 0 || left <= no_wait) return;
    SDL_WaitEventTimeout(nullptr, milliseconds(left));
}

void Host::Impl::sleep_in_loop(Duration left) {
    if (frames_.load() > 0) return;
    note(loop_.run_once(left, Budget{options_.turn, unlimited}));
}

/// False if SDL has no connection to watch.
bool Host::Impl::sleep_merged(Duration left) {
    const Fd connection = display_connection();
    if (connection == invalid_fd) return false;
    // For this sleep alone: outside of it nobody would read what makes it readable; and who quits SDL's video closes it.
    struct Watched {
        Watched(IOLoop& l, Fd f) : loop(l), fd(f) {
            loop.add_handler(
                fd, [this](Fd, Events) { loop.remove_handler(fd); }, Events::read, error, "SDL's connection");
        }
        Watched(const Watched&) = delete;
        Watched& operator=(const Watched&) = delete;
        ~Watched() { loop.remove_handler(fd); }
        IOLoop& loop;
        Fd fd;
        std::error_code error;
    } const watched(loop_, connection);
    if (watched.error) return false;
    sleep_in_loop(std::min(left, longest_merged_sleep()));
    return true;
}

// ---- modes --------------------------------------------------------------------------------------

void Host::Impl::set_mode(Mode mode) {
    require_usable("set_mode");
    if (mode > Mode::merge) throw std::invalid_argument("sdl2::Host::set_mode: there is no such mode");
    options_.mode = active_mode_ = mode;
    if (mode != Mode::guest) guest_.reset();
}

/// The loop's guest, running.
Guest& Host::Impl::guest() {
    if (!guest_) {
        guest_.emplace(
            loop_,
            [this](Function<void()> turn) {
                posted_turn_->put(std::move(turn));
                wake_event_.ring();
            },
            Budget{options_.turn, unlimited});
    }
    if (!guest_->running()) guest_->start();
    return *guest_;
}

// ---- frames on request --------------------------------------------------------------------------

void Host::Impl::request_frames(int frames) {
    if (frames < 0) throw std::invalid_argument("sdl2::Host::request_frames: less than none");
    int wanted = frames_.load();
    while (wanted < frames && !frames_.compare_exchange_weak(wanted, frames)) {}
    if (SDL_ThreadID() != thread_) rouse();
}

bool Host::Impl::take_frame() noexcept {
    int frames = frames_.load();
    while (frames > 0 && !frames_.compare_exchange_weak(frames, frames - 1)) {}
    return frames > 0;
}

/// Ends the sleep of wait_event(), wherever. Thread: any.
void Host::Impl::rouse() noexcept {
    wake_event_.ring();
    wake_loop();
}

/// If it sleeps in SDL's place. Thread: any.
void Host::Impl::wake_loop() noexcept {
    const std::lock_guard lock(loop_sleep_mutex_);
    if (loop_sleeps_) loop_.wake();
}

} // namespace ioloop::sdl2
