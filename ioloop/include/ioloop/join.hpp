// SPDX-License-Identifier: MIT
/// all, any, with_timeout: a task waits for several things at once. Floor 3.
///
///     auto [name, score] = co_await all(ask_name(fd), ask_score(fd));
///     auto first = co_await any(readable(a), readable(b));           // std::variant; first.index() tells which
///     auto line = co_await with_timeout(5s, read_line(fd));          // throws TimeoutError
///
/// They take tasks, futures and everything else that can be awaited, and are tasks themselves. What they are given
/// runs as part of the task that awaits them: it begins when they are awaited, in the order given, and is cancelled
/// (destroyed) when it is not needed any more, or when that task is. A future is only waited for: it can not be
/// cancelled so, as others may wait for it (Tornado's rule).
#pragma once

#include <ioloop/future.hpp>
#include <ioloop/task.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ioloop {

namespace detail {

template <class A> decltype(auto) awaiter_of(A&& awaitable) {
    if constexpr (requires { std::forward<A>(awaitable).operator co_await(); }) {
        return std::forward<A>(awaitable).operator co_await();
    } else if constexpr (requires { operator co_await(std::forward<A>(awaitable)); }) {
        return operator co_await(std::forward<A>(awaitable));
    } else {
        return std::forward<A>(awaitable);
    }
}

/// What `co_await std::move(awaitable)` gives.
template <class A> using Awaited = decltype(awaiter_of(std::declval<A>()).await_resume());

template <class A> Task<Awaited<A>> as_task(A awaitable) { co_return co_await std::move(awaitable); }
template <class T> Task<T> as_task(Task<T> task) { return task; }

/// Waits until enough of its branches have ended, or time is up.
class Join {
public:
    /// `enough`: so many branches.
    explicit Join(std::size_t enough) noexcept : missing_(enough) {}
    Join(const Join&) = delete;
    Join& operator=(const Join&) = delete;

    /// Before the branches are prepared: what they run as part of.
    template <class Promise> Spawned* begin(std::coroutine_handle<Promise> handle) {
        root_ = root_of(handle);
        if (root_ == nullptr) root_ = (own_root_ = make_root()).get();
        return root_;
    }
    /// When all branches are prepared. False: they shall not begin. Thread: the loop's.
    template <class Promise> bool suspend(std::coroutine_handle<Promise> handle, const Origin& at) {
        const bool waits = may_wait();
        if (waits) loop_ = Poster(loop_of_coroutine());
        suspension_.suspend(handle, at, {WaitFor::branches});
        return waits;
    }
    /// Lets a branch begin, unless enough have ended already.
    void start(const Runner& runner, Outcome<void>& failure);
    void limit(TimePoint deadline, const Origin& origin);

    /// A branch has ended. Gives its rank: zero for the first.
    std::size_t arrived();
    bool complete() const noexcept { return missing_ == 0; }
    /// Who waits is about to be destroyed, and not woken any more. Before the branches go: their destructors may run the loop.
    void end() noexcept;

private:
    static std::unique_ptr<Spawned> make_root();
    void wake_later(Duration delay);
    void wake();

    std::size_t missing_;
    std::size_t arrived_ = 0;
    bool ended_ = false;
    Poster loop_; ///< a branch may destroy it
    Spawned* root_ = nullptr;
    std::unique_ptr<Spawned> own_root_; ///< where another library's coroutine waits
    Timeout wake_;
    /// By a callback, which must not find it gone: there was no room for a timeout.
    std::shared_ptr<Join*> woken_otherwise_;
    Timeout limit_;
    Suspension suspension_;
};

/// An error beside the result: to the error hook.
void report_beside(const std::exception_ptr& error);

template <class T> struct Branch {
    static constexpr std::size_t not_arrived = SIZE_MAX;

    void prepare(Join& j, Spawned* root, const CoroutinePromise* parent, Task<T> task) {
        if (!task.valid()) refuse_empty_task();
        join = &j;
        runner = run(std::move(task), outcome);
        runner.prepare(
            root, parent, [](void* self) { static_cast<Branch*>(self)->end(); }, this);
    }
    void end() {
        Join* const j = join;
        rank = j->arrived();
    }
    /// Of any(): it failed, nearly as fast as the first that ended.
    void report_unless_first() const {
        if (rank != 0 && outcome.failed()) report_beside(outcome.error());
    }
    void start() {
        Outcome<void> failure;
        join->start(runner, failure);
        if (!failure.failed()) return;
        outcome.set_error(failure.error()); // its context cannot be entered
        end();
    }

    Join* join = nullptr;
    std::size_t rank = not_arrived;
    Outcome<T> outcome;
    Runner runner; ///< destroyed first: it writes to the outcome
};

/// T as an element of a tuple, variant or vector: those hold neither nothing nor references.
template <class T>
using Element = std::conditional_t<
    std::is_void_v<T>, std::monostate,
    std::conditional_t<std::is_reference_v<T>, std::reference_wrapper<std::remove_reference_t<T>>, T>>;

template <class T> Element<T> take_element(Outcome<T>& outcome) {
    if constexpr (std::is_void_v<T>) {
        outcome.take();
        return {};
    } else {
        return outcome.take();
    }
}

/// The error of several that is thrown: the first. The others are reported.
class FirstError {
public:
    void add(std::exception_ptr error);
    void raise() const; ///< if there is one

private:
    std::exception_ptr first_;
};

/// The awaiter of a fixed number of branches.
template <class... T> struct BranchesAwaiter {
    ~BranchesAwaiter() { join.end(); }
    bool await_ready() const noexcept { return join.complete(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle, const Origin& at = Origin::here()) {
        Spawned* const root = join.begin(handle);
        std::apply(
            [&](auto&... task) {
                std::apply(
                    [&](auto&... branch) {
                        (branch.prepare(join, root, promise_of(handle), std::move(task)), ...);
                    },
                    branches);
            },
            tasks);
        if (!join.suspend(handle, at)) return;
        if (deadline != never) join.limit(deadline, origin);
        std::apply([](auto&... branch) { (branch.start(), ...); }, branches);
    }
    void await_resume() const noexcept {}

    Join join;
    std::tuple<Task<T>...> tasks;
    TimePoint deadline = never;
    Origin origin = {};
    std::tuple<Branch<T>...> branches{};
};

/// And of a vector of them.
template <class T> struct VectorAwaiter {
    ~VectorAwaiter() { join.end(); }
    bool await_ready() const noexcept { return join.complete(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> handle, const Origin& at = Origin::here()) {
        Spawned* const root = join.begin(handle);
        for (std::size_t i = 0; i < tasks.size(); ++i)
            branches[i].prepare(join, root, promise_of(handle), std::move(tasks[i]));
        if (!join.suspend(handle, at)) return;
        for (Branch<T>& branch : branches) branch.start();
    }
    void await_resume() const noexcept {}

    Join join;
    std::vector<Task<T>> tasks;
    std::vector<Branch<T>> branches{tasks.size()};
};

/// Waits for a future's result, and leaves it there.
template <class T> struct FutureWait : FutureAwaiter<T, false> {
    using FutureAwaiter<T, false>::FutureAwaiter;
    void await_resume() const noexcept {}
};

/// What takes part in any(), as a task, and how its value is taken if it has won.
template <class A> struct Racer {
    static auto task(A awaitable) { return as_task(std::move(awaitable)); }
    template <class T> static Element<T> take(Outcome<T>& outcome) { return take_element(outcome); }
};
/// A future that has lost keeps its value: others may wait for it.
template <class T> struct Racer<Future<T>> {
    static Task<Future<T>> task(Future<T> future) {
        co_await FutureWait<T>(future);
        co_return future;
    }
    static Element<T> take(Outcome<Future<T>>& outcome) {
        FutureAwaiter<T, true> future(outcome.take());
        if constexpr (std::is_void_v<T>) {
            future.await_resume();
            return {};
        } else {
            return future.await_resume();
        }
    }
};
template <class A> using RacerOutcome = typename decltype(Racer<A>::task(std::declval<A>()))::value_type;

[[noreturn]] void refuse_any_of_none();

} // namespace detail

/// Waits for all of them, and gives their values in the order given (std::monostate for void,
/// std::reference_wrapper for a reference).
/// Errors: when all have ended, that of the first in the order given; the others go to the error hook.
template <class... A> Task<std::tuple<detail::Element<detail::Awaited<A>>...>> all(A... awaitables) {
    detail::BranchesAwaiter<detail::Awaited<A>...> awaiter{detail::Join(sizeof...(A)),
                                                           {detail::as_task(std::move(awaitables))...}};
    co_await awaiter;
    co_return std::apply(
        [](auto&... branch) {
            detail::FirstError errors;
            (errors.add(branch.outcome.error()), ...);
            errors.raise();
            return std::tuple<detail::Element<detail::Awaited<A>>...>(
                detail::take_element(branch.outcome)...);
        },
        awaiter.branches);
}
template <class T> Task<std::vector<detail::Element<T>>> all(std::vector<Task<T>> tasks) {
    detail::VectorAwaiter<T> awaiter{detail::Join(tasks.size()), std::move(tasks)};
    co_await awaiter;
    detail::FirstError errors;
    for (const detail::Branch<T>& branch : awaiter.branches) errors.add(branch.outcome.error());
    errors.raise();
    std::vector<detail::Element<T>> values;
    values.reserve(awaiter.branches.size());
    for (detail::Branch<T>& branch : awaiter.branches) values.push_back(detail::take_element(branch.outcome));
    co_return values;
}

/// Waits for the first of them to end, and cancels the others; of a future among those, nothing is taken.
/// Errors: what that one throws; that of another that ended in the same turn goes to the error hook.
template <class... A>
    requires(sizeof...(A) > 0)
Task<std::variant<detail::Element<detail::Awaited<A>>...>> any(A... awaitables) {
    using Result = std::variant<detail::Element<detail::Awaited<A>>...>;
    detail::BranchesAwaiter<detail::RacerOutcome<A>...> awaiter{
        detail::Join(1), {detail::Racer<A>::task(std::move(awaitables))...}};
    co_await awaiter;
    std::apply([](const auto&... branch) { (branch.report_unless_first(), ...); }, awaiter.branches);
    std::optional<Result> result;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        const auto take = [&]<std::size_t Index, class Of>(std::integral_constant<std::size_t, Index>,
                                                           std::type_identity<Of>) {
            auto& branch = std::get<Index>(awaiter.branches);
            if (branch.rank == 0)
                result.emplace(std::in_place_index<Index>, detail::Racer<Of>::take(branch.outcome));
        };
        (take(std::integral_constant<std::size_t, I>(), std::type_identity<A>()), ...);
    }
    (std::index_sequence_for<A...>());
    co_return std::move(*result);
}
/// The position of the first to end, and its value. Errors: also invalid_argument if there is none.
template <class T> Task<std::pair<std::size_t, detail::Element<T>>> any(std::vector<Task<T>> tasks) {
    if (tasks.empty()) detail::refuse_any_of_none();
    detail::VectorAwaiter<T> awaiter{detail::Join(1), std::move(tasks)};
    co_await awaiter;
    for (const detail::Branch<T>& branch : awaiter.branches) branch.report_unless_first();
    std::size_t index = 0;
    while (awaiter.branches[index].rank != 0) ++index;
    co_return std::pair<std::size_t, detail::Element<T>>(
        index, detail::take_element(awaiter.branches[index].outcome));
}

namespace detail {

template <class A> Task<Awaited<A>> timed(Duration delay, TimePoint deadline, A awaitable, Origin origin) {
    using T = Awaited<A>;
    if (delay != forever && may_wait()) deadline = after(loop_of_coroutine().time(), delay);
    BranchesAwaiter<T> awaiter{Join(1), {as_task(std::move(awaitable))}, deadline, origin};
    co_await awaiter;
    Outcome<T>& outcome = std::get<0>(awaiter.branches).outcome;
    if (!outcome.done()) outcome.set_error(std::make_exception_ptr(TimeoutError()));
    co_return outcome.take();
}

} // namespace detail

/// Waits for `awaitable` until `deadline`; what has its result at once wins over a deadline that is past.
/// Errors: TimeoutError; and what it throws.
template <class A>
Task<detail::Awaited<A>> with_timeout(TimePoint deadline, A awaitable, Origin origin = Origin::here()) {
    return detail::timed(forever, deadline, std::move(awaitable), origin);
}
/// The same, for `delay` from when it is awaited; `forever` is no limit.
template <class A>
Task<detail::Awaited<A>> with_timeout(Duration delay, A awaitable, Origin origin = Origin::here()) {
    return detail::timed(delay, never, std::move(awaitable), origin);
}

} // namespace ioloop
