// SPDX-License-Identifier: MIT
/// Which loop is whose: Tornado's current() and instance().
///
/// What a thread has made current is held weakly: the loop may be destroyed by another thread, and must then
/// read as none rather than dangle (tornado's current() goes on returning a closed loop).
#include "io_loop_impl.hpp"
#include "raise.hpp"

#include <memory>
#include <mutex>

namespace ioloop {
namespace {

/// Has no destructor, and so can be read when made_current is gone: a static loop outlives the thread_locals
/// of the main thread.
thread_local bool thread_ends = false;

struct MadeCurrent {
    ~MadeCurrent() { thread_ends = true; }
    std::weak_ptr<IOLoop*> loop;
};
thread_local MadeCurrent made_current;

IOLoop* made_current_here() noexcept {
    if (thread_ends) return nullptr;
    const auto current = made_current.loop.lock();
    return current ? *current : nullptr;
}

struct Instance {
    std::mutex mutex;
    IOLoop* loop = nullptr;
    std::unique_ptr<IOLoop> owned; ///< if instance() made it
};

Instance& the_instance() {
    static Instance instance;
    return instance;
}

} // namespace

void IOLoop::Impl::forget(const IOLoop* loop) noexcept {
    if (made_current_here() == loop) clear_current();
    Instance& instance = the_instance();
    const std::lock_guard lock(instance.mutex);
    if (instance.loop == loop) instance.loop = nullptr;
}

IOLoop* IOLoop::current(bool instance) {
    if (const Impl* impl = Impl::inside_on_this_thread(); impl != nullptr && impl->facade_ != nullptr) {
        return impl->facade_;
    }
    if (IOLoop* current = made_current_here()) return current;
    return instance ? &IOLoop::instance() : nullptr;
}

void IOLoop::make_current() {
    if (!thread_ends) made_current.loop = self_;
}

void IOLoop::clear_current() noexcept {
    if (!thread_ends) made_current.loop.reset();
}

IOLoop& IOLoop::instance() {
    Instance& instance = the_instance();
    const std::lock_guard lock(instance.mutex);
    if (instance.loop == nullptr) {
        Options options;
        options.name = "instance";
        options.make_current = MakeCurrent::never; // it is found as the instance, from every thread alike
        instance.owned = std::make_unique<IOLoop>(std::move(options));
        instance.loop = instance.owned.get();
    }
    return *instance.loop;
}

bool IOLoop::initialized() noexcept {
    Instance& instance = the_instance();
    const std::lock_guard lock(instance.mutex);
    return instance.loop != nullptr;
}

void IOLoop::install() {
    if (self_ == nullptr) raise(std::logic_error("install: the loop is closed"));
    Instance& instance = the_instance();
    const std::lock_guard lock(instance.mutex);
    if (instance.loop != nullptr) raise(std::logic_error("install: there is an instance already"));
    instance.loop = this;
}

void IOLoop::clear_instance() noexcept {
    std::unique_ptr<IOLoop> owned; // destroyed outside the lock: ~IOLoop looks in here
    Instance& instance = the_instance();
    const std::lock_guard lock(instance.mutex);
    instance.loop = nullptr;
    owned = std::move(instance.owned);
}

} // namespace ioloop
