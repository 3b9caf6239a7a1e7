// SPDX-License-Identifier: MIT
/// What of the library threads meet in, compiled once more over the modelled memory, out of the very same sources:
/// modelled::BiasedLock, CallbackQueue, SignalQueue and IOLoop::Gate.
///
/// What they need is included first, and stays what it is. Then, while those files are read, `std` is a namespace that has
/// std's names, but for the three that the scheduler is to see; and `ioloop` is one that has ioloop's, but for what depends on
/// the processor or on the thread. (The callables' memory, CallbackArena, is the real one: it is used under locks, and its
/// counters decide nothing between threads that the model looks at.)
///
/// Include it in one file of a program only: it defines functions.
#pragma once

#include "callback_arena.hpp"
#include "here.hpp"
#include "model/scheduler.hpp"
#include "os/asymmetric_fence.hpp"
#include "processor.hpp"

#include <ioloop/function.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/origin.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace modelled_std {

using namespace ::std;

template <class T> class atomic {
public:
    static constexpr bool is_always_lock_free = true;

    atomic() : atomic(T{}) {}
    atomic(T value) : cell_(word(value)) {} // NOLINT(google-explicit-constructor): as std's
    void operator=(T value) { store(value); }
    operator T() const { return load(); } // NOLINT(google-explicit-constructor)

    T load(memory_order = memory_order_seq_cst) const { return value(cell_.load()); }
    void store(T value, memory_order order = memory_order_seq_cst) {
        cell_.store(word(value), order == memory_order_seq_cst);
    }
    T exchange(T by, memory_order = memory_order_seq_cst) {
        return value(cell_.update([by](std::uint64_t) { return word(by); }));
    }
    bool compare_exchange_strong(T& expected, T by, memory_order, memory_order) {
        const std::uint64_t wanted = word(expected);
        const std::uint64_t found =
            cell_.update([&](std::uint64_t now) { return now == wanted ? word(by) : now; });
        expected = value(found);
        return found == wanted;
    }
    /// (Never fails without a reason. Who calls it tries again, and has changed nothing.)
    bool compare_exchange_weak(T& expected, T by, memory_order, memory_order = memory_order_seq_cst) {
        return compare_exchange_strong(expected, by, memory_order_seq_cst, memory_order_seq_cst);
    }
    T fetch_or(T bits, memory_order = memory_order_seq_cst) {
        return value(cell_.update([bits](std::uint64_t now) { return now | word(bits); }));
    }
    T fetch_and(T bits, memory_order = memory_order_seq_cst) {
        return value(cell_.update([bits](std::uint64_t now) { return now & word(bits); }));
    }
    T fetch_add(T by, memory_order = memory_order_seq_cst) {
        return value(cell_.update([by](std::uint64_t now) { return word(static_cast<T>(value(now) + by)); }));
    }
    T fetch_sub(T by, memory_order = memory_order_seq_cst) {
        return value(cell_.update([by](std::uint64_t now) { return word(static_cast<T>(value(now) - by)); }));
    }
    /// What is in memory, without a step.
    T peek() const { return value(cell_.peek()); }

private:
    static std::uint64_t word(T value) {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<std::uintptr_t>(value);
        } else {
            return static_cast<std::uint64_t>(value);
        }
    }
    static T value(std::uint64_t word) {
        if constexpr (std::is_pointer_v<T>) {
            return reinterpret_cast<T>(static_cast<std::uintptr_t>(word));
        } else {
            return static_cast<T>(word);
        }
    }
    mutable model::Cell cell_;
};

class mutex {
public:
    void lock() {
        do model::Scheduler::current().wait_until([this] { return owned_.peek() == 0; });
        while (owned_.update([](std::uint64_t) { return 1U; }) != 0);
    }
    void unlock() { owned_.store(0, false); }

private:
    model::Cell owned_{0};
};

namespace this_thread {
inline void yield() { model::Scheduler::current().yield(); }
} // namespace this_thread

} // namespace modelled_std

namespace modelled {

using namespace ::ioloop;

/// Fibers share what is thread_local. What is not in a thread, making a program and checking it, is thread 1.
struct Here {
    struct Number {
        operator std::uint64_t() const { // NOLINT(google-explicit-constructor)
            return model::Scheduler::in_thread() ? model::Scheduler::current().thread() + 1 : 1;
        }
    };
    Number thread;
    /// Another address for each.
    const void* operator&() const { // NOLINT(google-runtime-operator)
        return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(std::uint64_t{thread}));
    }
};
inline constexpr Here here{};

inline std::uint64_t this_thread() { return here.thread; }
inline void pause() {} ///< takes time, and no more
inline void wait_for_change() { model::Scheduler::current().yield(); }
inline void light_fence() { model::Scheduler::current().light_fence(); }
inline void heavy_fence() { model::Scheduler::current().heavy_fence(); }
inline void prepare_fences() {}

/// The class that the gate belongs to.
struct IOLoop {
    class Impl;
    class Gate;
};

} // namespace modelled

#define std modelled_std
#define ioloop modelled
#include "biased_lock.cpp"
#include "biased_lock.hpp"
#include "callback_queue.hpp"
#include "gate.hpp"
#include "signal_queue.cpp"
#include "signal_queue.hpp"
#define pause wait_for_change // in the spin lock it stands for that
#include "callback_queue.cpp"
#undef pause
#undef ioloop
#undef std

namespace modelled {

/// What is private and no cell, but a part of the state.
const CallbackArena& inbox_of(const CallbackQueue& queue);
bool streams(const CallbackQueue& queue);
template <auto inbox, auto streams_> struct Opened {
    friend const CallbackArena& inbox_of(const CallbackQueue& queue) { return queue.*inbox; }
    friend bool streams(const CallbackQueue& queue) { return queue.*streams_; }
};
template struct Opened<&CallbackQueue::inbox_, &CallbackQueue::streams_>;

} // namespace modelled
