// SPDX-License-Identifier: MIT
#include "model/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace model {
namespace {

constexpr std::size_t stack_size = std::size_t{128} * 1024;
constexpr std::size_t most_steps = 5'000; ///< of an execution: beyond, it goes round in circles
constexpr std::uint64_t small = 4096;     ///< below are numbers, and not addresses

} // namespace

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
    hash ^= value + 0x9e3779b97f4a7c15 + (hash << 6) + (hash >> 2);
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
    return hash ^ (hash >> 31);
}

Scheduler* Scheduler::current_ = nullptr;

// ---- the memory ---------------------------------------------------------------------------------

Cell::Cell(std::uint64_t value) : value_(value) {
    Scheduler& s = Scheduler::current();
    const std::size_t maker = Scheduler::in_thread() ? s.thread() + 1 : 0;
    const std::size_t number = maker > 0 ? s.fibers_[maker - 1].cells++ : s.cells_.size();
    name_ = small * (1 + maker) + number;
    s.cells_.push_back(this);
    s.memory_ += s.weight(*this);
}

std::uint64_t Cell::load() {
    if (!Scheduler::in_thread()) return value_;
    Scheduler& s = Scheduler::current();
    const auto own = [&]() -> const Scheduler::Store* {
        const auto& buffer = s.fibers_[s.thread()].buffer;
        const auto found = std::find_if(buffer.rbegin(), buffer.rend(),
                                        [&](const Scheduler::Store& store) { return store.cell == this; });
        return found != buffer.rend() ? &*found : nullptr;
    };
    s.step(); // before it looks into its own buffer, too: that may have drained, and others written
    const Scheduler::Store* const store = own();
    const std::uint64_t value = store != nullptr ? store->value : value_;
    s.note(value);
    return value;
}

void Cell::store(std::uint64_t value, bool sequentially_consistent) {
    if (!Scheduler::in_thread()) {
        Scheduler::current().commit(*this, value);
    } else if (sequentially_consistent) {
        update([value](std::uint64_t) { return value; });
    } else { // unseen, as long as it is in the buffer; but a heavy fence of others finds it there, or not yet
        Scheduler& s = Scheduler::current();
        if (s.options_.process_fence) s.step();
        s.fibers_[s.thread()].buffer.push_back({this, value});
    }
}

std::uint64_t Cell::update(const std::function<std::uint64_t(std::uint64_t)>& change) {
    Scheduler& s = Scheduler::current();
    if (Scheduler::in_thread()) {
        s.step();
        s.flush_all(s.fibers_[s.thread()]);
        s.note(value_);
    }
    const std::uint64_t before = value_;
    s.commit(*this, change(before));
    return before;
}

void Scheduler::commit(Cell& cell, std::uint64_t value) {
    if (cell.value_ == value) return;
    ++version_;
    memory_ -= weight(cell);
    cell.value_ = value;
    memory_ += weight(cell);
}
void Scheduler::flush_one(Fiber& fiber) {
    commit(*fiber.buffer.front().cell, fiber.buffer.front().value);
    fiber.buffer.erase(fiber.buffer.begin());
}
void Scheduler::flush_all(Fiber& fiber) {
    while (!fiber.buffer.empty()) flush_one(fiber);
}
void Scheduler::note(std::uint64_t read) {
    Fiber& fiber = fibers_[thread()];
    fiber.history = mix(fiber.history, name_of(read));
}

/// Values that are addresses differ from one execution to the next: an object is known by its first cell.
std::uint64_t Scheduler::name_of(std::uint64_t value) const {
    if (value < small || value == UINT64_MAX) return value;
    for (const Cell* const cell : cells_) {
        const auto at = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(cell));
        if (at >= value && at - value < 128) return cell->name_;
    }
    return value;
}

// ---- for the threads ----------------------------------------------------------------------------

void Scheduler::step() { wait_until(nullptr); }
void Scheduler::wait_until(std::function<bool()> ready) {
    if (!in_thread()) return; // where a program is made and checked, there is nobody else
    Fiber& fiber = fibers_[thread()];
    fiber.ready = std::move(ready);
    dispatch(fiber.context);
}
void Scheduler::yield() {
    wait_until([this, seen = version_] { return version_ != seen; });
}
void Scheduler::full_fence() {
    step();
    if (in_thread()) flush_all(fibers_[thread()]);
}
void Scheduler::light_fence() {
    if (!options_.process_fence && options_.light_fence_works) full_fence();
}
void Scheduler::heavy_fence() {
    full_fence();
    if (!options_.process_fence || !options_.heavy_fence_works) return;
    for (Fiber& fiber : fibers_) flush_all(fiber);
}
void Scheduler::knows_only(std::uint64_t what) {
    if (in_thread()) fibers_[thread()].history = mix(1, what);
}
void Scheduler::fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
}

// ---- executions ---------------------------------------------------------------------------------

bool Scheduler::may_go_on(std::size_t thread) const {
    const Fiber& fiber = fibers_[thread];
    return !fiber.ended && (!fiber.ready || fiber.ready());
}

std::vector<Scheduler::Action> Scheduler::possible() const {
    std::vector<Action> actions;
    if (interruptions_ == options_.most_interruptions && may_go_on(last_)) {
        actions.push_back({last_, false});
    } else {
        for (std::size_t thread = 0; thread < fibers_.size(); ++thread) {
            if (may_go_on(thread)) actions.push_back({thread, false});
        }
    }
    for (std::size_t thread = 0; thread < fibers_.size(); ++thread) {
        if (!fibers_[thread].buffer.empty()) actions.push_back({thread, true});
    }
    return actions;
}

std::uint64_t Scheduler::state() const {
    std::uint64_t hash = mix(memory_, program_->digest());
    if (options_.most_interruptions != SIZE_MAX) hash = mix(hash, interruptions_ * 16 + last_);
    for (const Fiber& fiber : fibers_) {
        hash = mix(hash, fiber.history);
        hash = mix(hash, (fiber.ended ? 2U : 0U) + (fiber.ready && !fiber.ready() ? 1U : 0U));
        hash = mix(hash, fiber.buffer.size());
        for (const Store& store : fiber.buffer)
            hash = mix(mix(hash, store.cell->name_), name_of(store.value));
    }
    return hash;
}

/// Along the path, and beyond it into what is new. Null: this execution has shown all that it can.
const Scheduler::Action* Scheduler::next_action() {
    if (!failure_.empty()) return nullptr;
    if (depth_ == path_.size()) {
        std::vector<Action> actions = possible();
        if (actions.empty()) {
            if (!std::ranges::all_of(fibers_, [](const Fiber& f) { return f.ended; })) {
                fail("a thread waits for ever");
            } else if (const std::string wrong = program_->check(); !wrong.empty()) {
                fail(wrong);
            }
            return nullptr;
        }
        if (depth_ == most_steps) {
            fail("threads go round in circles");
            return nullptr;
        }
        if (!seen_.insert(state()).second) return nullptr;
        path_.push_back({std::move(actions)});
    }
    const Node& node = path_[depth_++];
    return &node.actions[node.taken];
}

/// Lets stores reach the memory until a thread is to make a step. None: negative.
int Scheduler::next_thread() {
    running_ = -1;
    for (;;) {
        const Action* const action = next_action();
        if (action == nullptr) return -1;
        if (!action->flush) {
            if (action->thread != last_ && interruptions_ < options_.most_interruptions && may_go_on(last_))
                ++interruptions_;
            return static_cast<int>(action->thread);
        }
        flush_one(fibers_[action->thread]);
    }
}

/// Goes on with whoever it is to be, which may be the caller.
void Scheduler::dispatch(ucontext_t& from) {
    const int next = next_thread();
    if (next >= 0) {
        Fiber& fiber = fibers_[static_cast<std::size_t>(next)];
        fiber.history = mix(fiber.history, 1); // it is a step further, also if it reads nothing
        fiber.ready = nullptr;
        last_ = static_cast<std::size_t>(next);
        running_ = next;
        if (&fiber.context != &from) ::swapcontext(&from, &fiber.context);
    } else if (&from != &main_) {
        ::swapcontext(&from, &main_);
    }
}

void Scheduler::begin_fiber() {
    Scheduler& s = current();
    Fiber& fiber = s.fibers_[s.thread()];
    s.program_->threads[s.thread()]();
    fiber.ended = true;
    s.dispatch(fiber.context);
}

void Scheduler::begin(Program& program) {
    program_ = &program;
    version_ = 0;
    interruptions_ = 0;
    last_ = 0;
    depth_ = 0;
    fibers_.resize(program.threads.size());
    for (Fiber& fiber : fibers_) {
        if (!fiber.stack) fiber.stack = std::make_unique<char[]>(stack_size);
        fiber.ready = nullptr;
        fiber.buffer.clear();
        fiber.history = 0;
        fiber.cells = 0;
        fiber.ended = false;
        ::getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = stack_size;
        fiber.context.uc_link = nullptr;
        ::makecontext(&fiber.context, &Scheduler::begin_fiber, 0);
    }
}

/// How it came about.
std::string Scheduler::trace() const {
    std::string text = "\n(t1: a step of thread 1; s1: a store of it reaches memory)";
    for (const Node& node : path_) {
        const Action& action = node.actions[node.taken];
        text += action.flush ? " s" : " t";
        text += static_cast<char>('0' + action.thread);
    }
    return text;
}

Result Scheduler::explore(const std::function<std::unique_ptr<Program>()>& make) {
    Scheduler* const outer = std::exchange(current_, this);
    Result result;
    for (;;) {
        cells_.clear();
        memory_ = 0;
        {
            const auto program = make();
            begin(*program);
            dispatch(main_);
            if (!failure_.empty()) failure_ += trace();
        }
        ++result.executions;
        while (!path_.empty() && path_.back().taken + 1 == path_.back().actions.size()) path_.pop_back();
        result.complete = path_.empty();
        if (!failure_.empty() || result.complete || seen_.size() >= options_.most_states) break;
        ++path_.back().taken;
    }
    result.states = seen_.size();
    result.failure = failure_;
    if (!failure_.empty()) result.complete = false;
    current_ = outer;
    return result;
}

} // namespace model
