// SPDX-License-Identifier: MIT
/// IOLoop: the facade. Holds the state, refuses foreign threads where an exception cannot, and turns error
/// codes into exceptions that say what was wrong and where. The story goes on in lifetime.cpp,
/// registration.cpp, turn.cpp and inspection.cpp.
#include "io_loop_impl.hpp"
#include "raise.hpp"

#include <ioloop/io_loop.hpp>
#include <ioloop/poster.hpp>

#include <string>
#include <utility>

namespace ioloop {
namespace {

/// Apart, so that a change of interest that is not refused saves no registers for this. `place`: where it was added.
[[noreturn]] void refuse_update(Fd fd, const std::error_code& error, const std::string& place) {
    const std::string fact =
        place.empty() ? ": it has no handler" : ": it is not the file any more that was added, " + place;
    raise(std::system_error(error, "update_handler: " + fd_name(fd) + fact));
}

} // namespace

IOLoop::IOLoop() : IOLoop(Options{}) {}

IOLoop::IOLoop(Options options) {
    const MakeCurrent wish = options.make_current;
    if (wish == MakeCurrent::required && current(false) != nullptr) {
        raise(std::logic_error(
            "IOLoop: this thread has a current loop already, and MakeCurrent::required was asked for"));
    }
    self_ = std::make_shared<IOLoop*>(this);
    impl_ = new Impl(*this, std::move(options)); // nothing below throws
    if (wish == MakeCurrent::required || (wish == MakeCurrent::if_none && current(false) == nullptr))
        make_current();
}

IOLoop::~IOLoop() { impl_->abandon(); }

// A callable may destroy this object; its state stays until the run_ calls return.
void IOLoop::start() { impl_->start(); }
Turn IOLoop::run_once(Duration timeout, Budget budget) { return impl_->run_once(timeout, budget); }
Turn IOLoop::run_ready(Budget budget) { return impl_->run_ready(budget); }
Turn IOLoop::run_until(TimePoint deadline, Budget budget) { return impl_->run_until(deadline, budget); }
Turn IOLoop::step(StepKind kind) { return impl_->step(kind); }

void IOLoop::stop() noexcept { impl_->stop(); }
void IOLoop::wake() noexcept { impl_->wake(); }
bool IOLoop::running() const noexcept { return impl_->running_; }
void IOLoop::close(bool all_fds) {
    impl_->close(all_fds);
    Impl::forget(this);
    self_.reset(); // nor is it current on any other thread
}

void IOLoop::add_handler(Fd fd, Handler handler, Events events, const Origin& origin) {
    add_object(fd, std::move(handler), events, nullptr, nullptr, origin);
}
void IOLoop::add_object(Fd fd, Handler handler, Events events, std::shared_ptr<void> object,
                        void (*closer)(void*), const Origin& origin) {
    std::unique_ptr<DescriptorObject> kept;
    if (object != nullptr)
        kept = std::make_unique<DescriptorObject>(DescriptorObject{std::move(object), closer});
    const auto error = impl_->add_handler(fd, std::move(handler), events, origin, std::move(kept));
    if (!error) return;
    std::string text = "add_handler: " + fd_name(fd) + ", " + describe(origin);
    if (error == std::errc::file_exists)
        text.append("; it has a handler already, ").append(impl_->handler_place(fd));
    if (error == std::errc::operation_not_permitted) text.append("; it cannot be watched (a regular file?)");
    raise(std::system_error(error, text));
}
void IOLoop::add_handler(Fd fd, Handler handler, Events events, std::error_code& error,
                         const Origin& origin) {
    error = impl_->add_handler(fd, std::move(handler), events, origin);
}
void IOLoop::update_handler(Fd fd, Events events) {
    if (const auto error = impl_->update_handler(fd, events)) [[unlikely]]
        refuse_update(fd, error, impl_->handler_place(fd));
}
void IOLoop::update_handler(Fd fd, Events events, std::error_code& error) {
    error = impl_->update_handler(fd, events);
}

bool IOLoop::remove_handler(Fd fd) noexcept {
    if (impl_->refuse_foreign_thread("remove_handler")) return false;
    return impl_->remove_handler(fd);
}
std::uint64_t IOLoop::registration_of(Fd fd) const noexcept { return impl_->registration_of(fd); }
bool IOLoop::remove_timeout(Timeout timeout) noexcept { return impl_->remove_timeout(timeout); }
bool IOLoop::update_timeout(Timeout timeout, TimePoint deadline) noexcept {
    return impl_->update_timeout(timeout, deadline);
}
TimePoint IOLoop::deadline_of(Timeout timeout) const noexcept { return impl_->deadline_of(timeout); }
bool IOLoop::note_period(Timeout timeout, Duration period) noexcept {
    return impl_->note_period(timeout, period);
}

void IOLoop::add_signal_handler(int signal, Callback callback, const Origin& origin) {
    const auto error = impl_->add_signal_handler(signal, std::move(callback), origin);
    if (!error) return;
    std::string text = "add_signal_handler: signal " + std::to_string(signal) + ", " + describe(origin);
    if (error == std::errc::file_exists) text.append("; a loop of this process handles it already");
    raise(std::system_error(error, text));
}
void IOLoop::add_signal_handler(int signal, Callback callback, std::error_code& error, const Origin& origin) {
    error = impl_->add_signal_handler(signal, std::move(callback), origin);
}
bool IOLoop::remove_signal_handler(int signal) noexcept {
    if (impl_->refuse_foreign_thread("remove_signal_handler")) return false;
    return impl_->remove_signal_handler(signal);
}

bool IOLoop::add_callback(Callback callback, const Origin& origin) {
    return impl_->post(std::move(callback), origin, false);
}
bool IOLoop::try_post(const Callback::Operations& operations, detail::ClosureWords closure,
                      const Origin& origin) {
    return impl_->try_post(operations, closure, origin);
}
bool IOLoop::spawn_callback(Callback callback, const Origin& origin) {
    return impl_->post(std::move(callback), origin, true);
}
bool IOLoop::post_from_signal(Callback&& callback, const Origin& origin) noexcept {
    return impl_->post_from_signal(std::move(callback), origin, SignalQueue::Room::ordinary);
}

Timeout IOLoop::call_at(TimePoint deadline, Callback callback, const Origin& origin) {
    return impl_->arm(deadline, std::move(callback), origin, "call_at");
}
Timeout IOLoop::call_later(Duration delay, Callback callback, const Origin& origin) {
    return impl_->arm(after(impl_->time(), delay), std::move(callback), origin, "call_later");
}
Timeout IOLoop::add_timeout(TimePoint deadline, Callback callback, const Origin& origin) {
    return impl_->arm(deadline, std::move(callback), origin, "add_timeout");
}
Timeout IOLoop::add_timeout(Duration delay, Callback callback, const Origin& origin) {
    return impl_->arm(after(impl_->time(), delay), std::move(callback), origin, "add_timeout");
}

TimePoint IOLoop::time() const noexcept { return impl_->time(); }
TimePoint IOLoop::now() const noexcept { return impl_->now(); }
Fd IOLoop::native_handle(Deadlines deadlines) { return impl_->native_handle(deadlines); }
TimePoint IOLoop::next_deadline() const noexcept { return impl_->next_deadline(); }
Duration IOLoop::time_to_deadline() const noexcept { return impl_->time_to_deadline(); }
void IOLoop::set_host_waker(Function<void()> waker, RingFor ring_for) {
    impl_->set_host_waker(std::move(waker), ring_for);
}
void IOLoop::set_blocking_signal_threshold(std::optional<Duration> threshold,
                                           Function<void(const Stall&)> action) {
    impl_->set_watchdog(threshold, std::move(action));
}
void IOLoop::set_blocking_log_threshold(std::optional<Duration> threshold) {
    impl_->set_watchdog(threshold, log_stack);
}
ErrorHook IOLoop::set_error_hook(ErrorHook hook) { return impl_->set_error_hook(std::move(hook)); }
std::uint64_t IOLoop::error_hook_id() const noexcept { return impl_->error_hook_id(); }
void IOLoop::snapshot(Snapshot& out) const { impl_->snapshot(out); }
const Statistics& IOLoop::statistics() const noexcept { return impl_->statistics(); }
void IOLoop::set_observer(Observer* observer) noexcept { impl_->set_observer(observer); }
Observer* IOLoop::observer() const noexcept { return impl_->observer_; }
void IOLoop::set_paused(bool paused) { impl_->set_paused(paused); }
void IOLoop::set_on_pause(Function<void(Duration)> attend) { impl_->set_on_pause(std::move(attend)); }
bool IOLoop::paused() const noexcept { return impl_->paused_; }
void IOLoop::suspend() { impl_->set_suspended(true); }
void IOLoop::resume() { impl_->set_suspended(false); }
void IOLoop::skip_time(Duration gap) { impl_->skip_time(gap); }
bool IOLoop::suspended() const noexcept { return impl_->suspended_; }
void IOLoop::require_thread(const char* member) const { impl_->require_usable(member); }
Service* IOLoop::find_service(const void* key) noexcept { return impl_->find_service(key); }
Service& IOLoop::keep_service(const void* key, std::unique_ptr<Service> made) {
    return impl_->keep_service(key, std::move(made));
}
bool IOLoop::inject_readiness(Fd fd, Events events) { return impl_->inject_readiness(fd, events); }
bool IOLoop::set_flow(Fd fd, const Flow* flow) noexcept {
    return !impl_->refuse_foreign_thread("set_flow") && impl_->set_flow(fd, flow);
}
bool IOLoop::in_call() const noexcept { return impl_->in_call(); }
const Origin& IOLoop::running_origin() const noexcept { return origin_of(running_chain().site()); }
Chain IOLoop::running_chain() const noexcept { return impl_->running_chain(); }
const char* IOLoop::name() const noexcept { return impl_->name_; }

// ---- Poster --------------------------------------------------------------------------------------

Poster::Poster(IOLoop& loop) : gate_(loop.impl_->gate()) {}

bool Poster::add_callback(Callback callback, const Origin& origin) const {
    return post(callback, origin, false);
}
bool Poster::spawn_callback(Callback callback, const Origin& origin) const {
    return post(callback, origin, true);
}

/// A callback that is refused is destroyed by the caller, outside the gate: its destructor may close the loop.
bool Poster::post(Callback& callback, const Origin& origin, bool detached) const {
    return gate_ &&
           gate_->enter([&](IOLoop::Impl& loop) { return loop.post(std::move(callback), origin, detached); });
}

bool Poster::deliver(Callback callback, const Origin& origin) const {
    return gate_ &&
           gate_->enter([&](IOLoop::Impl& loop) { return loop.deliver(std::move(callback), origin); });
}

bool Poster::closed() const noexcept {
    return !gate_ || !gate_->enter([](IOLoop::Impl&) { return true; });
}

bool Poster::on_loop_thread() const noexcept {
    return gate_ && gate_->enter([](IOLoop::Impl& loop) { return loop.on_its_own_thread(); });
}

IOLoop* Poster::loop() const noexcept {
    IOLoop* loop = nullptr;
    if (gate_) gate_->enter([&](IOLoop::Impl& impl) { return (loop = impl.facade_) != nullptr; });
    return loop;
}

} // namespace ioloop
