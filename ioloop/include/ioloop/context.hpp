// SPDX-License-Identifier: MIT
/// Context: what surrounds a call wherever it is made: Tornado's stack_context. Floor 0.
///
/// A request handler, a save game being loaded, a test: each wants something to be true during every callable that
/// it schedules, and during those that they schedule in turn, and wants the exceptions of all of them.
///
///     StackContext log_as([&] { return LogPrefix(player.name); });          // a guard, held during each call
///     ExceptionStackContext fails([&](std::exception_ptr e) { return kick(player, e); });
///     loop.add_callback(load);      // load() runs with the prefix, and so does all that it schedules
///
/// **What is captured.** Every callable that the loop stores carries the context in which it was stored, and runs
/// in it and in no other: the factories are called anew, outermost first, and the guards go in reverse order.
/// Stored in no context, it runs in none, even if something within a context runs the loop. Storing in no context
/// costs a pointer; running so costs a branch.
///
/// **Exceptions** meet the handlers from the innermost to the outermost. A handler that returns true has dealt
/// with it; one that throws replaces it; what nobody deals with goes to the loop's error hook. Only an
/// ExceptionStackContext can swallow, a guard can not. (What is thrown in the very block in which an
/// ExceptionStackContext stands is not seen by it: no destructor can catch. Call the block by
/// Context::current().run().)
///
/// **Coroutines** of this library may co_await inside a context: its guard goes when the coroutine is suspended and
/// is made again when it goes on. In Tornado that is an error (StackContextInconsistentError).
///
/// Thread: any; what is current is each thread's own. A factory runs on whatever thread the callable runs on.
#pragma once

#include <ioloop/function.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace ioloop {

class Context;
class SuspendedContext;

namespace detail {

/// A call that is about to be made, wherever it is: a reference, and smaller than a Function.
class Next {
public:
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, Next>)
    explicit Next(F& f) noexcept : object_(&f), call_([](void* object) { (*static_cast<F*>(object))(); }) {}
    void operator()() const { call_(object_); }

private:
    void* object_;
    void (*call_)(void*);
};

/// One context: what it does around a call.
class ContextFrame {
public:
    ContextFrame() = default;
    ContextFrame(const ContextFrame&) = delete;
    ContextFrame& operator=(const ContextFrame&) = delete;
    virtual ~ContextFrame() = default;

    /// Something that is held during a block.
    struct Held {
        Held() = default;
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        virtual ~Held() = default;
    };

    /// Makes the call inside this context.
    virtual void around(Next next) = 0;
    /// Enters for a block. May be null.
    virtual std::unique_ptr<Held> enter() { return nullptr; }

    std::atomic<bool> active{true};
};

/// A frame that calls a factory and holds what it made.
template <class Factory> class FactoryFrame final : public ContextFrame {
    using Guard = std::invoke_result_t<Factory&>;

public:
    explicit FactoryFrame(Factory&& factory) : factory_(std::move(factory)) {
        if (is_null(factory_)) refuse_null("StackContext: null factory");
    }

    void around(Next next) override {
        if constexpr (std::is_void_v<Guard>) {
            factory_();
            next();
        } else {
            [[maybe_unused]] const Guard guard = factory_();
            next();
        }
    }
    std::unique_ptr<Held> enter() override {
        if constexpr (std::is_void_v<Guard>) {
            factory_();
            return nullptr;
        } else {
            struct Holder final : Held {
                explicit Holder(Factory& factory) : guard(factory()) {}
                Guard guard;
            };
            return std::make_unique<Holder>(factory_);
        }
    }

private:
    Factory factory_;
};

class ContextBlock;
struct ContextNode; ///< a frame and what is around it; immutable, shared by whoever captured it

} // namespace detail

/// The contexts that were current at some moment. A value of one pointer; empty means none.
class Context {
public:
    Context() noexcept = default;
    Context(const Context& other) noexcept;
    Context(Context&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    Context& operator=(Context other) noexcept {
        std::swap(node_, other.node_);
        return *this;
    }
    ~Context() {
        if (node_ != nullptr) release();
    }

    /// What is current on this thread.
    static Context current() noexcept;

    explicit operator bool() const noexcept { return node_ != nullptr; }
    friend bool operator==(const Context& a, const Context& b) noexcept { return a.node_ == b.node_; }

    /// Calls `f` in this context and in no other.
    /// Errors: what leaves `f`, a factory (then `f` is not called) or a handler, and was not dealt with.
    template <class F> void run(F&& f) const { run_next(detail::Next(f)); }

private:
    friend class detail::ContextBlock;
    friend struct detail::ContextNode;
    friend class SuspendedContext;

    void run_next(detail::Next next) const;
    void release() noexcept;

    const detail::ContextNode* node_ = nullptr;
};

namespace detail {

/// Ends a context for good, also after its block has ended. Copyable; calling it twice is calling it once.
/// Thread: any.
class Deactivator {
public:
    explicit Deactivator(std::shared_ptr<ContextFrame> frame) noexcept : frame_(std::move(frame)) {}
    void operator()() const noexcept { frame_->active = false; }

private:
    std::shared_ptr<ContextFrame> frame_;
};

/// Around the code of somebody else: nothing is current in there, and what it leaves open goes no further.
class ContextBoundary {
public:
    ContextBoundary() noexcept;
    ContextBoundary(const ContextBoundary&) = delete;
    ContextBoundary& operator=(const ContextBoundary&) = delete;
    ~ContextBoundary();

private:
    const ContextNode* node_;
    ContextBlock* blocks_;
    bool in_coroutine_;
};

/// A context that is open in a block of the program. Blocks of a thread are nested.
class ContextBlock {
public:
    /// Null: a block in which nothing is current.
    explicit ContextBlock(std::shared_ptr<ContextFrame> frame);
    ContextBlock(const ContextBlock&) = delete;
    ContextBlock& operator=(const ContextBlock&) = delete;
    ~ContextBlock();

    Deactivator deactivator() const noexcept { return Deactivator(frame_); }

private:
    friend class ioloop::SuspendedContext;

    void attach();
    void detach() noexcept;

    std::shared_ptr<ContextFrame> frame_;
    std::unique_ptr<ContextFrame::Held> held_;
    Context context_;  ///< current within the block
    Context previous_; ///< current around it
    ContextBlock* outer_ = nullptr;
    bool attached_ = false; ///< not while its coroutine is suspended
};

} // namespace detail

/// Within its lifetime, callables that are stored are given this context. Lifetime: a local variable; contexts of a
/// thread end in the reverse of the order in which they began.
class StackContext {
public:
    /// `factory` returns a guard (any object: what it does, its constructor and destructor do), or nothing. It is
    /// called now, and around every call. Errors: std::invalid_argument if null; what it throws now.
    template <std::invocable Factory>
    explicit StackContext(Factory factory)
        : block_(std::make_shared<detail::FactoryFrame<Factory>>(std::move(factory))) {}

    /// From now on nothing is called in this context, not even what was stored in it already, but for the calls that
    /// are under way.
    void deactivate() noexcept { block_.deactivator()(); }
    /// For later, when this object is gone: `[end = context.deactivator()] { end(); }`.
    auto deactivator() const noexcept { return block_.deactivator(); }

private:
    detail::ContextBlock block_;
};

/// Within its lifetime, callables that are stored have their exceptions shown to `handler`.
class ExceptionStackContext {
public:
    using ExceptionHandler = Function<bool(std::exception_ptr)>; ///< true: dealt with
    /// Errors: std::invalid_argument if null.
    explicit ExceptionStackContext(ExceptionHandler handler);

    /// As StackContext's.
    void deactivate() noexcept { block_.deactivator()(); }
    auto deactivator() const noexcept { return block_.deactivator(); }

private:
    detail::ContextBlock block_;
};

/// Within its lifetime nothing is current: for what is shared among requests, such as a connection pool, and must
/// not run in the context of the one that happened to come first.
class NullContext {
public:
    NullContext() : block_(nullptr) {}

private:
    detail::ContextBlock block_;
};

/// A callable that runs in the context in which it was wrapped, whoever calls it, and wherever it is stored.
template <class F> class Wrapped {
public:
    using carries_context = void; ///< seen by Function: the loop does not give it another one
    explicit Wrapped(F f) : context_(Context::current()), f_(std::move(f)) {}

    template <class... Args>
        requires std::invocable<F&, Args...> std::invoke_result_t<F&, Args...>
    operator()(Args&&... args) {
        using Result = std::invoke_result_t<F&, Args...>;
        if constexpr (std::is_void_v<Result>) {
            context_.run([&] { std::invoke(f_, std::forward<Args>(args)...); });
        } else {
            // An exception handler of the context may leave us without a result: then it is an empty one.
            std::optional<Result> result;
            context_.run([&] { result.emplace(std::invoke(f_, std::forward<Args>(args)...)); });
            return result ? std::move(*result) : Result{};
        }
    }

    /// Calls `start(f)` in the context; for a callable that returns work still to be done.
    template <class Start> void launch(Start start) {
        context_.run([&] { start(f_); });
    }

    friend bool operator==(const Wrapped& wrapped, std::nullptr_t) requires detail::nullable<F> {
        return wrapped.f_ == nullptr;
    }

private:
    Context context_;
    F f_;
};

/// Wrapping twice is wrapping once; wrapping nothing is nothing.
template <class F> Wrapped<std::decay_t<F>> wrap(F&& f) {
    return Wrapped<std::decay_t<F>>(std::forward<F>(f));
}
template <class F> Wrapped<F> wrap(Wrapped<F> f) { return f; }
inline std::nullptr_t wrap(std::nullptr_t) { return nullptr; }

/// For authors of awaitables: what a coroutine leaves when it is suspended and finds again when it goes on.
///
///     void await_suspend(std::coroutine_handle<> h) { context_.suspend(); loop.call_later(..., [=] { context_.resume(h); }); }
///
/// Lifetime: until the coroutine goes on or is destroyed.
class SuspendedContext {
public:
    /// Of a coroutine that has not begun: what is current now.
    void begin() { base_ = Context::current(); }
    /// Leaves the contexts that the coroutine has opened; outside a call of resume(), those belong to somebody else
    /// and stay open.
    void suspend() noexcept;
    /// Calls `f` in the context in which the coroutine was suspended.
    template <class F> void resume(F&& f) { resume_next(detail::Next(f)); }

private:
    void resume_next(detail::Next next);

    Context base_;
    detail::ContextBlock* blocks_ = nullptr; ///< open blocks of the coroutine, innermost first
};

} // namespace ioloop
