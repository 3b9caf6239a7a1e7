// SPDX-License-Identifier: MIT
/// Scheduler: runs a few threads in every order there is, on a memory with store buffers. (The idea is relacy's.)
///
/// The threads are fibers of one thread. Before each step that others may notice or that may notice others, a fiber asks
/// what is to happen next: a step of any thread, or that the oldest store of a thread's buffer reaches the memory. An
/// execution is a sequence of such choices; they are explored depth first, each execution from the beginning. Where a
/// state was seen before, nothing new can come, and the execution is given up: what lies on the stacks of its fibers is never
/// destroyed, so threads own nothing there. A state is what is in memory and in the buffers, what each thread has read so far
/// (which decides where it is), and the program's own digest.
///
/// The memory is that of x86 (TSO): a store waits in a first-in-first-out buffer of its thread, which reads its own stores at
/// once; read-modify-writes, sequentially consistent stores and full fences empty the own buffer first. The heavy fence empties
/// all, at once. (The system's reaches one processor after the other, which three threads could tell, and our locks do not.)
/// Weaker memories, where loads overtake loads and stores stores, are not modelled. And what is no cell is read and written in
/// one piece with the step before it: to see that two threads do so at once, a program makes steps there, or asks ThreadSanitizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include <ucontext.h>

namespace model {

struct Options {
    /// light_fence() keeps only the compiler in order, and heavy_fence() is membarrier(2). Else both are full fences.
    bool process_fence = true;
    bool heavy_fence_works = true; ///< false plants a bug
    bool light_fence_works = true; ///< the same; matters without a process fence only
    /// How often a thread that could go on is made to wait for another one. Most bugs need one or two such moments.
    std::size_t most_interruptions = SIZE_MAX;
    std::size_t most_states = 4'000'000;
};

struct Result {
    std::size_t states = 0;
    std::size_t executions = 0;
    bool complete = false; ///< all of them were seen, within most_interruptions
    std::string failure;   ///< of the first execution that went wrong, and how it came about; else empty
};

/// Two numbers into one, for digests.
std::uint64_t mix(std::uint64_t hash, std::uint64_t value);

/// What is explored: made anew for each execution.
class Program {
public:
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    virtual ~Program() = default;
    std::vector<std::function<void()>> threads;
    /// Of what the threads share and the scheduler does not see: all of it, or states are taken for seen that were not.
    virtual std::uint64_t digest() const { return 0; }
    /// When all threads have ended. What is wrong, or nothing.
    virtual std::string check() { return {}; }
};

/// A word of the memory.
class Cell {
public:
    explicit Cell(std::uint64_t value);
    Cell(const Cell&) = delete;
    Cell& operator=(const Cell&) = delete;
    ~Cell() = default;

    std::uint64_t load();
    void store(std::uint64_t value, bool sequentially_consistent);
    /// Atomically replaces the value by what `change` makes of it; no change if that is the same. The earlier value.
    std::uint64_t update(const std::function<std::uint64_t(std::uint64_t)>& change);
    /// What is in memory, without a step. For conditions and checks.
    std::uint64_t peek() const { return value_; }

private:
    friend class Scheduler;
    std::uint64_t value_;
    std::uint64_t name_; ///< the same in each execution, whichever thread was first to make one
};

class Scheduler {
public:
    explicit Scheduler(const Options& options) : options_(options) {}
    Result explore(const std::function<std::unique_ptr<Program>()>& make);

    static Scheduler& current() { return *current_; }
    static bool in_thread() { return current_ != nullptr && current_->running_ >= 0; }

    // ---- for the threads ----

    /// Others may go first.
    void step();
    /// Goes on when `ready()` says so, which reads with peek().
    void wait_until(std::function<bool()> ready);
    /// Goes on when the memory has changed: in a loop that waits for another thread.
    void yield();
    void light_fence();
    void heavy_fence();
    void full_fence();
    /// Of all that the thread has read and done so far it still knows this, and no more: its place, and what it has in
    /// local variables. Where that is true, many states become one.
    void knows_only(std::uint64_t what);
    /// This execution went wrong; the first word counts.
    void fail(const std::string& what);
    std::size_t thread() const { return static_cast<std::size_t>(running_); }

private:
    friend class Cell;

    struct Store {
        Cell* cell;
        std::uint64_t value;
    };
    struct Fiber {
        ucontext_t context{};
        std::unique_ptr<char[]> stack;
        std::function<bool()> ready; ///< null: at once
        std::vector<Store> buffer;
        std::uint64_t history = 0; ///< of what it has read
        std::size_t cells = 0;     ///< that it has made
        bool ended = false;
    };
    /// A step of the thread, or its oldest store reaches memory.
    struct Action {
        std::size_t thread;
        bool flush;
    };
    struct Node {
        std::vector<Action> actions;
        std::size_t taken = 0;
    };

    void begin(Program& program);
    int next_thread();
    const Action* next_action();
    void dispatch(ucontext_t& from);
    bool may_go_on(std::size_t thread) const;
    std::vector<Action> possible() const;
    std::uint64_t state() const;
    std::uint64_t name_of(std::uint64_t value) const;
    void flush_one(Fiber& fiber);
    void flush_all(Fiber& fiber);
    void note(std::uint64_t read);
    void commit(Cell& cell, std::uint64_t value);
    std::uint64_t weight(const Cell& cell) const { return mix(cell.name_, name_of(cell.value_)); }
    std::string trace() const;
    static void begin_fiber();

    Options options_;
    std::vector<Node> path_;
    std::size_t depth_ = 0; ///< how far along the path this execution is
    std::unordered_set<std::uint64_t> seen_;
    std::vector<Fiber> fibers_;
    std::vector<Cell*> cells_;
    std::uint64_t memory_ = 0; ///< the sum of their weights
    Program* program_ = nullptr;
    ucontext_t main_{};
    int running_ = -1;
    std::size_t last_ = 0; ///< the thread that made the last step
    std::size_t interruptions_ = 0;
    std::uint64_t version_ = 0; ///< of the memory: counts changes
    std::string failure_;
    static Scheduler* current_;
};

} // namespace model
