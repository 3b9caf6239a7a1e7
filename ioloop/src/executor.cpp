// SPDX-License-Identifier: MIT
#include "os/process.hpp"
#include "raise.hpp"

#include <ioloop/executor.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <new>
#include <thread>

namespace ioloop {

struct ThreadPool::State {
    explicit State(std::size_t t) : limit(t) {}

    const std::size_t limit;
    const std::uint32_t generation = fork_generation(); ///< in a forked child there are no threads
    bool forked() const noexcept { return generation != fork_generation(); }
    std::mutex mutex;
    std::condition_variable work; ///< there is a job, or the end has come
    std::condition_variable gone; ///< a thread that had no job has ended
    /// A list: to move a closure is to run code of the program, so not under the mutex.
    using Jobs = std::list<Function<void()>>;
    Jobs jobs;
    std::size_t threads = 0;
    std::size_t idle = 0;
    bool closing = false;

    /// The life of a thread.
    static void serve(const std::shared_ptr<State>& state) {
        std::unique_lock lock(state->mutex);
        for (;;) {
            ++state->idle;
            state->work.wait(lock, [&] { return state->closing || !state->jobs.empty(); });
            --state->idle;
            if (state->closing) break;
            Jobs job;
            job.splice(job.end(), state->jobs, state->jobs.begin());
            lock.unlock();
            job.front()();
            job.clear(); // destroyed outside the lock
            lock.lock();
            if (state->closing) break;
        }
        --state->threads;
        state->gone.notify_all();
    }
};

ThreadPool::ThreadPool(std::size_t threads) : state_(std::make_shared<State>(threads)) {
    if (threads == 0) raise(std::invalid_argument("ThreadPool: no threads"));
}

ThreadPool::~ThreadPool() {
    // The mutex may be locked by a thread that does not exist here, and there is none to be waited for.
    if (state_->forked()) {
        static_cast<void>(new (std::nothrow) std::shared_ptr<State>(std::move(state_)));
        return;
    }
    State::Jobs dropped; // destroyed outside the lock
    std::unique_lock lock(state_->mutex);
    state_->closing = true;
    dropped.swap(state_->jobs);
    state_->work.notify_all();
    // Those that have no job end at once, and are waited for; the others keep what they need.
    state_->gone.wait(lock, [&] { return state_->idle == 0; });
}

void ThreadPool::execute(Function<void()> job) {
    if (!job) detail::refuse_null("ThreadPool::execute: null job");
    if (state_->forked())
        raise(std::logic_error(
            "ThreadPool::execute: the pool was made before fork(), and its threads are the parent's"));
    State::Jobs made;
    made.push_back(std::move(job));
    const std::lock_guard lock(state_->mutex);
    // First the thread, which may be refused; it waits for the lock.
    if (state_->idle <= state_->jobs.size() && state_->threads < state_->limit) {
        std::thread([state = state_] { State::serve(state); }).detach();
        ++state_->threads;
    }
    state_->jobs.splice(state_->jobs.end(), made);
    state_->work.notify_one();
}

std::size_t ThreadPool::default_size() noexcept {
    return std::min<std::size_t>(std::thread::hardware_concurrency() + 4, 32);
}

void IOLoop::set_default_executor(Executor* executor) {
    service<detail::DefaultExecutor>("set_default_executor").set(executor);
}

Executor& detail::default_executor(IOLoop& loop) {
    return loop.service<DefaultExecutor>("run_in_executor").get();
}

Executor& detail::DefaultExecutor::get() {
    if (chosen_ != nullptr) return *chosen_;
    if (pool_ == nullptr) pool_ = std::make_unique<ThreadPool>();
    return *pool_;
}

} // namespace ioloop
