// SPDX-License-Identifier: MIT
/// What a subject offers to the scenarios, which are templates over it: the abstraction costs nothing where it is timed.
///
///     class S {
///         struct Io;                             // what its user keeps for a descriptor
///         struct Timer;                          // ... for a timer
///         void step();                           // one turn that does not wait
///         void step_blocking();                  // one that waits until there is something to do
///         void post(Work, void*);                // on the loop's thread, as its users best do it
///         void post_threadsafe(Work, void*);     // from any
///         template <Work f> void add_io(Io&, int fd, unsigned events, void* argument);
///         template <Work f> void update_io(Io&, unsigned events);
///         void remove_io(Io&);                   // the Io is free again after the next step()
///         template <Work f> void arm(Timer&, Duration delay, void* argument);
///         void cancel(Timer&);
///         void rearm(Timer&, Duration delay);
///         void read_clock();                     // between turns: from here on delays count from now
///         void take_time_of_turn();              // within a call: the same, as cheap as it has it
///     };
///
/// `f` is called in every turn in which the descriptor is ready. Where a subject is best used in another way, it also has:
///
///         static constexpr std::size_t most_timers, most_fired, most_descriptors;   // above, it takes minutes
///         bool receive(Io&, int fd);             // takes the byte for which f was called
///         void close_io(Io&, int fd);            // instead of remove_io() and ::close()
///         void interrupt();                      // within a call: let step() come back, which would go on
///         void step_within(Duration);            // a step() that is asked to take no longer
///         void close_all();                      // before the Ios and Timers are destroyed
#pragma once

#include <ioloop/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

#include <unistd.h>

namespace bench::peers {

using ioloop::Duration;
using Work = void (*)(void*);

constexpr unsigned readable = 1;
constexpr unsigned writable = 2;

/// What users of a loop without posts bring along: it is swapped and drained once a turn.
class WorkQueue {
public:
    void push(Work work, void* argument) { queued_.push_back({work, argument}); }
    bool empty() const noexcept { return queued_.empty(); }
    void drain() {
        if (queued_.empty()) return;
        queued_.swap(running_);
        for (const Item& item : running_) item.work(item.argument);
        running_.clear();
    }

private:
    struct Item {
        Work work;
        void* argument;
    };
    std::vector<Item> queued_;
    std::vector<Item> running_;
};

/// The same for posts from other threads.
class SharedQueue {
public:
    /// True if the loop must be told: it was not since it drained this last.
    bool push(Work work, void* argument) {
        const std::lock_guard lock(mutex_);
        queued_.push_back({work, argument});
        return queued_.size() == 1;
    }
    void drain() {
        {
            const std::lock_guard lock(mutex_);
            queued_.swap(running_);
        }
        for (const Item& item : running_) item.work(item.argument);
        running_.clear();
    }

private:
    struct Item {
        Work work;
        void* argument;
    };
    std::mutex mutex_;
    std::vector<Item> queued_;
    std::vector<Item> running_;
};

// ---- what not every subject has -----------------------------------------------------------------

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

template <class S> constexpr std::size_t most_timers() {
    if constexpr (requires { S::most_timers; }) {
        return S::most_timers;
    } else {
        return no_limit;
    }
}
template <class S> constexpr std::size_t most_fired() {
    if constexpr (requires { S::most_fired; }) {
        return S::most_fired;
    } else {
        return most_timers<S>();
    }
}
template <class S> constexpr std::size_t most_descriptors() {
    if constexpr (requires { S::most_descriptors; }) {
        return S::most_descriptors;
    } else {
        return no_limit;
    }
}

template <class S> bool receive(S& loop, typename S::Io& io, int fd) {
    if constexpr (requires { loop.receive(io, fd); }) {
        return loop.receive(io, fd);
    } else {
        char byte;
        return ::read(fd, &byte, 1) == 1;
    }
}
template <class S> void close_io(S& loop, typename S::Io& io, int fd) {
    if constexpr (requires { loop.close_io(io, fd); }) {
        loop.close_io(io, fd);
    } else {
        loop.remove_io(io);
        ::close(fd);
    }
}
template <class S> void interrupt(S& loop) {
    if constexpr (requires { loop.interrupt(); }) loop.interrupt();
}
template <class S> void step_within(S& loop, Duration time) {
    if constexpr (requires { loop.step_within(time); }) {
        loop.step_within(time);
    } else {
        loop.step();
    }
}

/// The last member of a case: goes first.
template <class S> class CloseAll {
public:
    explicit CloseAll(S& loop) : loop_(loop) {}
    CloseAll(const CloseAll&) = delete;
    CloseAll& operator=(const CloseAll&) = delete;
    ~CloseAll() {
        if constexpr (requires { loop_.close_all(); }) loop_.close_all();
    }

private:
    S& loop_;
};

} // namespace bench::peers
