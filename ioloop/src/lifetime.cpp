// SPDX-License-Identifier: MIT
/// IOLoop::Impl, chapter 1: making, closing, and what other threads may do meanwhile.
#include "io_loop_impl.hpp"
#include "os/process.hpp"
#include "raise.hpp"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

namespace ioloop {
namespace {

constexpr std::size_t ready_capacity = 512;

/// By the object's own close(), if it has one: it knows what else there is to do. Errors are ignored (Tornado).
void close_descriptor(Fd fd, const DescriptorObject* object) {
    if (object == nullptr || object->close == nullptr) return close_fd(fd);
#if IOLOOP_EXCEPTIONS
    try {
        object->close(object->object.get());
    } catch (...) { // NOLINT(bugprone-empty-catch)
    }
#else
    object->close(object->object.get());
#endif
}

} // namespace

// ---- making and closing -------------------------------------------------------------------------

IOLoop::Impl::Impl(IOLoop& facade, Options&& options)
    : facade_(&facade),
      name_(options.name != nullptr ? options.name : "ioloop"),
      memory_(options.memory != nullptr ? options.memory : std::pmr::get_default_resource()),
      clock_(options.clock != nullptr ? options.clock : &steady_clock()),
      poller_(options.custom_poller ? std::move(options.custom_poller) : make_poller(options.poller)),
      home_thread_(this_thread()),
      fork_generation_(fork_generation()),
      handlers_(memory_),
      narrowed_(memory_),
      closures_(memory_),
      timeouts_(memory_),
      timeout_queue_(memory_, clock_->now()),
      queue_(memory_),
      ready_(ready_capacity, memory_),
      due_(memory_),
      gate_(std::make_shared<Gate>(*this)) {
    if (options.on_error) set_error_hook(std::move(options.on_error));
}

IOLoop::Impl::~Impl() {
    if (!closed_) drop_everything(false);
}

void IOLoop::Impl::close(bool all_fds) {
    // (In a forked child: only if by this thread. The others are not here.)
    if (forked() ? lock_.inside() : lock_.entered())
        raise(std::logic_error(
            "close: called while the loop is inside a run_ call; close it after that has returned"));
    if (!closed_) drop_everything(all_fds);
}

void IOLoop::Impl::abandon() noexcept {
    forget(facade_);
    facade_ = nullptr;
    const bool torn = forked() && queue_.left_by_another();
    if (!lock_.entered() && !torn) {
        delete this;
    } else if (!closed_) {
        // A callable of this loop destroys it, and may go on to destroy what the loop was given. The calls
        // on the stack still find their state; they must find nothing else.
        abandoned_ = true;
        observe_by(nullptr);
        clock_ = &steady_clock();
        error_hook_.reset();
        drop_everything(false); // the outermost run_ call does the rest (Inside)
    }
}

void IOLoop::Impl::drop_everything(bool all_fds) {
    watchdog_.reset();
    special_ = static_cast<std::uint8_t>(Special::closing | (special_ & Special::held));
    closed_.store(true);
    // In a forked child there is no other thread. One may have been in the middle of anything: it is not waited for.
    const bool alone = forked();
    gate_->shut(!alone);
    // Who posts past the inbox is done by then, and comes no more.
    if (!alone) lock_.adopt();
    alone ? queue_.close_alone() : queue_.close();
    signal_queue_.close();
    const auto signal_handlers = release_signals(); // destroyed at the end, like all callables
    // A thread that saw the loop open may be about to write to the poller's wake event: its number must not
    // belong to somebody else by then.
    while (!alone && wakers_.load() != 0) std::this_thread::yield();

    // First everything loses its name, then go the services, the system's resources and the callables: their
    // destructors find a closed, empty loop, whatever they call. What is on the stack is released by whoever called it.
    // The poller is not told of every descriptor: a forked child closes its copy of the loop, and the set is
    // its parent's.
    std::vector<Poller::Key> handlers;
    std::vector<std::pair<Fd, std::unique_ptr<DescriptorObject>>> fds;
    handlers_.for_each([&](Poller::Key key, HandlerEntry& entry) {
        if (entry.running) { // its handler is called with the object
            fds.emplace_back(entry.fd, nullptr);
            return;
        }
        fds.emplace_back(entry.fd, std::move(entry.object));
        entry.running = true; // remove() leaves the release to us
        handlers.push_back(key);
    });
    for (const auto& [fd, object] : fds) handlers_.remove(fd, turn_);
    std::vector<std::uint32_t> timeouts;
    timeouts_.for_each([&](std::uint32_t slot, TimeoutEntry& entry) {
        timeouts_.retire(slot);
        if (!entry.running) timeouts.push_back(slot);
    });
    timeout_queue_.clear();
    due_.clear();
    due_next_ = 0;
    due_left_ = 0;
    batch_left_ = 0;
    injected_.clear();
    narrowed_.clear();
    ready_count_ = ready_next_ = 0;
    phase_ = Phase::wait;
    statistics_.handlers = 0;
    Function<void()> host_waker; // destroyed at the end, outside the lock
    {
        std::unique_lock lock(host_waker_mutex_, std::defer_lock);
        if (!alone) lock.lock();
        has_host_waker_ = ring_for_changes_ = false;
        host_waker = std::move(host_waker_);
    }
    // Before any descriptor is closed: a guest's waiter may be asleep on it, and its number be somebody else's the next
    // moment.
    for (; !services_.empty(); services_.pop_back()) services_.back().second.reset();
    if (all_fds) {
        for (const auto& [fd, object] : fds) close_descriptor(fd, object.get());
    }
    poller_.reset();
    for (const Poller::Key key : handlers) handlers_.release(key);
    for (const std::uint32_t slot : timeouts) timeouts_.release(slot);
    queue_.clear();
    while (signal_queue_.ready()) signal_queue_.pop();
}

// ---- services ------------------------------------------------------------------------------------

Service* IOLoop::Impl::find_service(const void* key) noexcept {
    for (const auto& [known, service] : services_) {
        if (known == key) return service.get();
    }
    return nullptr;
}

Service& IOLoop::Impl::keep_service(const void* key, std::unique_ptr<Service> made) {
    require_usable("service");
    return *services_.emplace_back(key, std::move(made)).second;
}

// ---- threads ------------------------------------------------------------------------------------

void IOLoop::Gate::shut(bool wait) noexcept {
    loop_.store(nullptr);
    while (wait && inside_.load() != 0) std::this_thread::yield();
}

bool IOLoop::Impl::on_loop_thread() const noexcept {
    return on_its_own_thread() || (!lock_.entered() && this_thread() == home_thread_);
}

bool IOLoop::Impl::refuse_foreign_thread_at_length(const char* member) const noexcept {
    if (on_loop_thread()) return false;
    note_foreign_call(member, SiteId::none);
    std::fprintf(stderr, "ioloop: %s: called from another thread than the loop's; nothing done\n", member);
    return true;
}

void IOLoop::Impl::note_foreign_call(const char* member, SiteId site) const noexcept {
    foreign_member_.store(member, std::memory_order_relaxed);
    foreign_site_.store(site, std::memory_order_release); // with what site_of() has written for it
    foreign_calls_.fetch_add(1, std::memory_order_relaxed);
}

void IOLoop::Impl::require_usable_at_length(const char* member, const Origin* origin) const {
    const bool foreign = !on_loop_thread();
    if (!foreign && !closed_.load(std::memory_order_relaxed) && !abandoned_ && !forked()) return;
    if (foreign && !forked()) note_foreign_call(member, origin != nullptr ? site_of(*origin) : SiteId::none);
    std::string text = member;
    text.append(forked()
                    ? ": the loop was made before fork(), and is the parent's: its poller is shared with it"
                : foreign ? ": called from another thread than the loop's; post it there with add_callback()"
                          : ": the loop is closed");
    if (origin != nullptr) text.append(", ").append(describe(*origin));
    raise(std::logic_error(text));
}

void IOLoop::Impl::stop() noexcept {
    stop_.store(true);
    pulse_.fetch_add(1);
    notify_waiters(pulse_);
    notify();
}

void IOLoop::Impl::wake() noexcept {
    wake_poller(); // and no more: a lock, such as the host waker's, is not for a signal handler
}

/// After something was queued: makes sure that the loop, wherever it is, comes to see it.
void IOLoop::Impl::unpark() noexcept {
    const Parked was = parked_.exchange(Parked::no);
    if (was == Parked::no) return; // another poster was first
    wake_poller();
    if (was == Parked::between_runs) ring_host();
}

void IOLoop::Impl::wake_poller() noexcept {
    wakers_.fetch_add(1);
    if (!closed_.load()) poller_->wake();
    wakers_.fetch_sub(1);
}

void IOLoop::Impl::ring_host() {
    if (!has_host_waker_.load()) return;
    const std::shared_lock lock(host_waker_mutex_);
    if (host_waker_) host_waker_();
}

void IOLoop::Impl::set_host_waker(Function<void()>&& waker, RingFor ring_for) {
    require_usable("set_host_waker");
    {
        const std::unique_lock lock(host_waker_mutex_);
        std::swap(host_waker_, waker); // the old one is destroyed by the caller, outside the lock
        has_host_waker_ = static_cast<bool>(host_waker_);
    }
    ring_for_changes_ = has_host_waker_ && ring_for == RingFor::changes;
    mark(Special::host, tells_plan());
    told_deadline_ = next_deadline();
    descriptors_changed_ = false;
    if (!has_host()) parked_.store(Parked::no); // there is nobody left to be told
    park_outside();
}

/// A host has come, or wants to hear of something else: between run_ calls it may be rung from here on.
void IOLoop::Impl::park_outside() {
    if (statistics_.depth > 0 || !has_host()) return;
    bool changed = false;
    {
        const BiasedLock::Moment moment(lock_); // who is rung, and runs the loop, waits for its end
        changed = park();
    }
    if (changed) ring_host();
}

/// The loop is left with what a host waits for, which may have changed: between run_ calls this is told at once, within one at
/// its end. True: the host is to be rung.
bool IOLoop::Impl::plan_changed() {
    if (deadlines_ == Deadlines::included) set_alarm();
    if (!ring_for_changes_) return false;
    const TimePoint next = next_deadline();
    const bool sooner =
        next < told_deadline_; // who waits too short a time looks again, and who waits too long does not
    told_deadline_ = next;
    return std::exchange(descriptors_changed_, false) || sooner;
}

void IOLoop::Impl::tell_plan() {
    if (plan_changed()) ring_host();
}

void IOLoop::Impl::tell_plan_outside() {
    if (statistics_.depth == 0) tell_plan();
}

void IOLoop::Impl::descriptors_changed() {
    if (!ring_for_changes_ || !poller_ || poller_->native_handle() != invalid_fd) return;
    descriptors_changed_ = true;
    if (statistics_.depth == 0) tell_plan();
}

Fd IOLoop::Impl::native_handle(Deadlines deadlines) {
    require_usable("native_handle");
    if (deadlines == Deadlines::included && deadlines_ != deadlines) {
        if (poller_->native_handle() == invalid_fd || !poller_->set_alarm(forever)) return invalid_fd;
        deadlines_ = deadlines;
        mark(Special::host, true);
    }
    handle_watched_ = true;
    park_outside();
    return poller_->native_handle();
}

} // namespace ioloop
