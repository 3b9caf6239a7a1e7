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
    struct Deaf { // set and reset below; a modal dialog inside a callable leaves it as it was
        explicit Deaf(std::atomic<bool>& f) : flag(f), before(f) {}
        Deaf(const Deaf&) = delete;
        Deaf& operator=(const Deaf&) = delete;
        ~Deaf() { flag = before; }
        std::atomic<bool>& flag;
        bool before;
    } const deaf(deaf_);

    stopped_ = false;
    for (;;) {
        if (!poster_.closed()) make_turn();
        if (!poster_.closed()) take_app_events();
        if (poster_.closed()) { // by one of them, or in the sleep: nothing of the loop may be touched
            stopped_ = true;
            return false;
        }
        choose_sleep();
        last_seen_ = now();
        stuck_ = false;
        const bool found = poll(event);
        if (poster_.closed()) stopped_ = true; // by a filter of the program, or while a window was dragged
        if (found) {
            if (std::exchange(stopped_, false) && !poster_.closed())
                loop_.stop(); // to be told after the events
            return true;
        }
        if (stopped_ || frames_.load() > 0) return false;
        const Duration left = until(deadline, now());
        if (left == no_wait) return false;
        if (!post_idle(left)) sleep(left);
    }
}

/// What there is to do now.
void Host::Impl::make_turn() {
    // Inside a callable the guest's turn may be under way: but the loop can be run again.
    if (!guest_ || !guest_->running() || loop_.in_call()) {
        note(loop_.run_once(no_wait, Budget{options_.turn, unlimited}));
    } else if (Function<void()> turn = posted_turn_.take()) {
        turn();
        if (!guest_->running()) stopped_ = true;
    }
}

/// As SDL_PollEvent(), for events that are the program's.
bool Host::Impl::poll(SDL_Event* event) {
    if (event == nullptr) {
        SDL_PumpEvents();
        SDL_Event first[2]; // one of them may be ours
        const int count = SDL_PeepEvents(first, 2, SDL_PEEKEVENT, SDL_FIRSTEVENT, SDL_LASTEVENT);
        return std::any_of(first, first + std::max(count, 0),
                           [&](const SDL_Event& e) { return !wake_event_.is(e); });
    }
    // SDL says no not only if its queue is empty, but once at the end of each of its poll cycles, whatever is behind it.
    for (int cycle = 0; cycle < 2; ++cycle) {
        while (SDL_PollEvent(event) != 0) {
            if (!wake_event_.is(*event)) return true;
        }
    }
    return false;
}

// ---- sleeping -----------------------------------------------------------------------------------

/// Who sleeps, if somebody does; and the order is: say so, then look.
void Host::Impl::choose_sleep() {
    active_mode_ = possible_mode();
    deaf_ = active_mode_ == Mode::slack || active_mode_ == Mode::merge;
    nudged_ = false;
    if (loop_.in_call()) return;
    if (active_mode_ != Mode::guest) return dismiss_guest();
    if (!guest_) guest_.emplace(loop_, poster_of_turns(), Budget{options_.turn, unlimited});
    guest_->start();
}

Mode Host::Impl::possible_mode() const {
    const bool paused = loop_.paused(); // and then it does not sleep in the loop's wait
    if (loop_.in_call() || options_.mode == Mode::slack) return paused ? Mode::pump : Mode::slack;
    if (options_.mode != Mode::merge) return options_.mode;
    return paused || unwatchable_ || display_connection() == invalid_fd ? Mode::guest : Mode::merge;
}

void Host::Impl::sleep(Duration left) {
    ++sleeps_;
    switch (active_mode_) {
    case Mode::pump: return sleep_in_sdl(std::min({left, options_.piece, loop_.time_to_deadline()}));
    case Mode::slack: return sleep_in_loop(std::min(left, options_.piece));
    case Mode::guest: return sleep_in_sdl(left);
    case Mode::merge: return sleep_merged(std::min(left, longest_merged_sleep()));
    }
}

void Host::Impl::sleep_in_sdl(Duration left) {
    const WakeEvent::Sleep sleep(wake_event_);
    if (posted_turn_.full() || frames_.load() > 0 || left <= no_wait) return;
    SDL_WaitEventTimeout(nullptr, milliseconds(left));
}

void Host::Impl::sleep_in_loop(Duration left) {
    if (frames_.load() > 0) return;
    // SDL_PushEvent() calls the watches first and adds the event afterwards, perhaps after we have looked. So we look
    // again, soon at first.
    constexpr Duration soon = std::chrono::milliseconds(1);
    left = std::min(left, std::max(soon, now() - pushed_at_.load()));
    if (note(loop_.run_once(left, Budget{options_.turn, unlimited})).ended != Ended::stopped) return;
    if (!poster_.closed()) loop_.stop(); // for make_turn() to find
}

void Host::Impl::sleep_merged(Duration left) {
    // For this sleep alone: outside of it nobody would read what makes it readable; and who quits SDL's video closes it. If
    // that happens in the sleep, the number may be another handler's when it is over.
    bool watched = true;
    struct Handler {
        Handler(IOLoop& l, bool& w) : loop(&l), watched(&w) {}
        Handler(Handler&& other) noexcept
            : loop(other.loop),
              watched(std::exchange(other.watched, nullptr)) {}
        Handler& operator=(Handler&&) = delete;
        ~Handler() {
            if (watched != nullptr) *watched = false;
        }
        void operator()(Fd fd, Events) const { loop->remove_handler(fd); }
        IOLoop* loop;
        bool* watched;
    };
    struct Unwatch {
        Unwatch(IOLoop& l, Fd f, bool& w) : loop(l), fd(f), watched(w) {}
        Unwatch(const Unwatch&) = delete;
        Unwatch& operator=(const Unwatch&) = delete;
        ~Unwatch() {
            if (watched) loop.remove_handler(fd);
        }
        IOLoop& loop;
        Fd fd;
        bool& watched;
    };
    const Fd connection = display_connection();
    std::error_code error;
    loop_.add_handler(connection, Handler(loop_, watched), Events::read, error,
                      Origin("SDL's connection").as_internal());
    const Unwatch unwatch(loop_, connection, watched);
    unwatchable_ = static_cast<bool>(error); // the program watches it itself, say
    if (!unwatchable_) sleep_in_loop(left);
}

// ---- modes --------------------------------------------------------------------------------------

void Host::Impl::set_mode(Mode mode) {
    require_usable("set_mode");
    if (mode > Mode::merge) throw std::invalid_argument("sdl2::Host::set_mode: there is no such mode");
    options_.mode = active_mode_ = mode;
    unwatchable_ = false;
    // Inside a callable it may be the guest's turn that is under way: wait_event() sees to it afterwards.
    if (mode != Mode::guest && !loop_.in_call()) dismiss_guest();
}

Guest::PostToHost Host::Impl::poster_of_turns() {
    return [this](Function<void()> turn) {
        posted_turn_.put(std::move(turn));
        wake_event_.ring();
    };
}

void Host::Impl::dismiss_guest() noexcept {
    if (!guest_) return;
    guest_.reset();
    posted_turn_.take();
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
void Host::Impl::rouse() {
    wake_event_.ring();
    nudge();
}

/// Ends it if it is in the loop, which may be destroyed at this moment. Thread: any.
void Host::Impl::nudge() {
    if (deaf_ && !nudged_.exchange(true))
        poster_.spawn_callback([] {}, Origin("sdl2::Host, for another thread").as_internal());
}

} // namespace ioloop::sdl2
