// SPDX-License-Identifier: MIT
/// Host, chapter 1: a program that draws all the time.
#include "host_impl.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace ioloop::sdl2 {
namespace {

Host::Options checked(const Host::Options& options) {
    const auto require = [](bool good, const char* what) {
        if (!good) throw std::invalid_argument(std::string("sdl2::Host: ") + what);
    };
    require(options.mode <= Mode::merge, "Options::mode is none");
    require(options.turn > no_wait && options.turn != forever, "Options::turn must be positive, and bounded");
    require(options.piece > no_wait, "Options::piece must be positive");
    require(options.least >= no_wait, "Options::least is negative");
    require(options.while_dragged > no_wait, "Options::while_dragged must be positive");
    require(options.stuck_after >= no_wait, "Options::stuck_after is negative");
    require(!options.forgive_gaps_over || *options.forgive_gaps_over > no_wait,
            "Options::forgive_gaps_over must be positive");
    require(options.least_idle >= no_wait, "Options::least_idle is negative");
    return options;
}

/// What two calls came to, together.
Turn sum(const Turn& earlier, const Turn& later) {
    Turn both = later;
    both.handlers += earlier.handlers;
    both.callbacks += earlier.callbacks;
    both.timeouts += earlier.timeouts;
    both.waited += earlier.waited;
    both.busy += earlier.busy;
    if (both.ended == Ended::idle && both.calls() > 0) both.ended = Ended::ran;
    return both;
}

} // namespace

// ---- making and visiting ------------------------------------------------------------------------

Host::Impl::Impl(IOLoop& loop, Options options)
    : loop_(loop),
      options_(checked(options)),
      thread_(SDL_ThreadID()),
      poster_(loop),
      wake_event_([] {
          if ((SDL_WasInit(SDL_INIT_EVENTS) & SDL_INIT_EVENTS) == 0) {
              throw std::logic_error("sdl2::Host: call SDL_Init(SDL_INIT_VIDEO or SDL_INIT_EVENTS) first");
          }
          return WakeEvent();
      }()),
      active_mode_(options.mode) {
    if (poster_.closed()) throw std::logic_error("sdl2::Host: the loop is closed");
    if (options_.log_errors) {
        // A hook of the program's own has precedence.
        ErrorHook earlier = loop_.set_error_hook(log_error);
        if (earlier) {
            loop_.set_error_hook(std::move(earlier));
        } else {
            our_error_hook_ = loop_.error_hook_id();
        }
    }
    SDL_AddEventWatch(&watch, this);
}

Host::Impl::~Impl() {
    SDL_DelEventWatch(&watch, this);
    guest_.reset();
    // Unless the program has set another one since, to which ours may belong now.
    if (our_error_hook_ != 0 && !poster_.closed() && loop_.error_hook_id() == our_error_hook_)
        loop_.set_error_hook(nullptr);
}

void Host::Impl::require_usable(const char* member) const {
    const char* why = SDL_ThreadID() != thread_ ? "called from another thread than made the host"
                      : poster_.closed()        ? "the loop is closed"
                                                : nullptr;
    if (why != nullptr) throw std::logic_error(std::string("sdl2::Host::") + member + ": " + why);
}

Host::Impl::Visit::Visit(Impl& host, const char* member) : host_(host), outermost_(!host.visiting_) {
    host.require_usable(member);
    if (!outermost_) return; // a modal dialog inside a callable
    host.take_app_events();
    host.require_usable(member); // still: a hook may have closed the loop
    host.visiting_ = true;
    const TimePoint now = host.now();
    const Duration away = now - host.last_seen_;
    host.last_seen_ = now;
    const bool held = host.loop_.paused() || host.loop_.suspended(); // forgives by itself
    if (!host.options_.forgive_gaps_over || away <= *host.options_.forgive_gaps_over || held) return;
    host.loop_.skip_time(away);
    ++host.gaps_;
}

Host::Impl::Visit::~Visit() {
    host_.last_seen_ = host_.now();
    host_.stuck_ = false;
    if (outermost_) host_.visiting_ = false;
}

Turn Host::Impl::note(const Turn& turn) noexcept {
    stopped_ = turn.ended == Ended::stopped;
    return turn;
}

void Host::Impl::log_error(const std::exception_ptr& error, const Origin& origin, CallKind kind) {
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

void Host::Impl::set_hook(std::shared_ptr<Callback>& hook, Callback&& callback, const char* member) const {
    require_usable(member);
    hook = callback ? std::make_shared<Callback>(std::move(callback)) : nullptr;
}

// ---- frames -------------------------------------------------------------------------------------

Turn Host::Impl::pump(Budget budget) {
    const Visit visit(*this, "pump");
    return note(loop_.run_once(no_wait, budget));
}

Turn Host::Impl::pump(FramePacer& frame) {
    const Visit visit(*this, "pump");
    const Turn turn = note(loop_.run_ready(frame.budget()));
    frame.spend(turn);
    return turn;
}

Turn Host::Impl::pump_until(TimePoint deadline) {
    const Visit visit(*this, "pump_until");
    if (left_of(deadline) > options_.least) return note(serve_slack(deadline));
    // Hardly any slack: turns without sleeping, as many as the least of budgets allows. One would make a
    // question and its answer take two frames. What is left then is slept, or the next frame would be early.
    const Turn turn = note(loop_.run_ready(Budget{options_.least, unlimited}));
    if (turn.ended == Ended::stopped || left_of(deadline) <= no_wait) return turn;
    return note(sum(turn, serve_slack(deadline)));
}

Turn Host::Impl::pump_until(FramePacer& frame) {
    const Visit visit(*this, "pump_until");
    Turn turn = pump_until(frame.sleep_until());
    while (frame.left() > no_wait && turn.ended != Ended::stopped && turn.ended != Ended::paused) {
        turn = note(sum(turn, loop_.run_once(no_wait, Budget{frame.left(), unlimited})));
    }
    return turn;
}

Turn Host::Impl::serve_slack(TimePoint deadline) {
    Turn all;
    const auto goes_on = [&] { return all.ended == Ended::idle || all.ended == Ended::ran; };
    while (idle_->waits() && goes_on()) {
        all = sum(all, loop_.run_ready(Budget{left_of(deadline), unlimited}));
        if (!goes_on()) break; // the loop may be destroyed
        const Duration left = left_of(deadline);
        if (left == no_wait) break;
        if (!post_idle(left))
            all = sum(all, loop_.run_once(left, Budget{left, unlimited})); // until there is more time
    }
    if (goes_on()) all = sum(all, loop_.run_until(deadline));
    if (all.ended == Ended::paused) {
        // The frames go on in real time.
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until(deadline, now()));
        SDL_Delay(static_cast<Uint32>(std::min<std::int64_t>(left.count(), 100)));
    }
    return all;
}

/// Also while the loop's time stands still.
Duration Host::Impl::left_of(TimePoint deadline) const noexcept {
    return until(deadline, loop_.suspended() ? now() : loop_.time());
}

// ---- idle calls ---------------------------------------------------------------------------------

IdleCall Host::Impl::call_when_idle(Function<void(Duration)> callback, const Origin& origin) {
    require_usable("call_when_idle");
    if (!callback) throw std::invalid_argument("sdl2::Host::call_when_idle: null callback");
    return {idle_->push(std::move(callback), origin)};
}

/// True if one was posted: for `left`, or until the loop has something better to do.
bool Host::Impl::post_idle(Duration left) {
    constexpr std::chrono::milliseconds most(50); // what a user does not notice (W3C requestIdleCallback)
    if (!idle_->wants_time()) return false;
    left = std::min({left, loop_.time_to_deadline(), Duration(most)});
    if (left < std::max(options_.least_idle, Duration(1))) return false;
    idle_->post_first(loop_, now() + left, steady_clock());
    return true;
}

Host::Statistics Host::Impl::statistics() const noexcept {
    return {rescued_turns_, gaps_, idle_->calls(), sleeps_, wake_event_.rung(), wake_event_.refused()};
}

// ---- the facade ---------------------------------------------------------------------------------

Host::Host(IOLoop& loop) : Host(loop, Options{}) {}
Host::Host(IOLoop& loop, Options options) : impl_(std::make_unique<Impl>(loop, options)) {}
Host::~Host() = default;

Turn Host::pump(Budget budget) { return impl_->pump(budget); }
Turn Host::pump(FramePacer& frame) { return impl_->pump(frame); }
Turn Host::pump_until(TimePoint deadline) { return impl_->pump_until(deadline); }
Turn Host::pump_until(FramePacer& frame) { return impl_->pump_until(frame); }
bool Host::wait_event(SDL_Event* event, Duration timeout) { return impl_->wait_event(event, timeout); }
void Host::set_mode(Mode mode) { impl_->set_mode(mode); }
Mode Host::mode() const noexcept { return impl_->options_.mode; }
Mode Host::active_mode() const noexcept { return impl_->active_mode(); }
void Host::request_frames(int frames) { impl_->request_frames(frames); }
bool Host::take_frame() noexcept { return impl_->take_frame(); }
bool Host::stopped() const noexcept { return impl_->stopped_; }
IdleCall Host::call_when_idle(Function<void(Duration)> callback, Origin origin) {
    return impl_->call_when_idle(std::move(callback), origin);
}
bool Host::cancel_idle(IdleCall call) noexcept { return impl_->cancel_idle(call); }
void Host::on_background(Callback hook) {
    impl_->set_hook(impl_->on_background_, std::move(hook), "on_background");
}
void Host::on_foreground(Callback hook) {
    impl_->set_hook(impl_->on_foreground_, std::move(hook), "on_foreground");
}
void Host::on_low_memory(Callback hook) {
    impl_->set_hook(impl_->on_low_memory_, std::move(hook), "on_low_memory");
}
Host::Statistics Host::statistics() const noexcept { return impl_->statistics(); }
std::uint64_t Host::rescued_turns() const noexcept { return impl_->rescued_turns_; }
IOLoop& Host::loop() noexcept { return impl_->loop_; }

} // namespace ioloop::sdl2
