// SPDX-License-Identifier: MIT
/// Function: a move-only callable with room inside for a small closure. Floor 0.
///
/// std::function copies, and so refuses closures that own something (a unique_ptr, a socket);
/// std::move_only_function is C++23. This one holds closures of up to 48 bytes without an allocation, moves
/// trivially copyable ones as bytes, and is empty after a move. Calling an empty Function is undefined: the
/// loop refuses to store one.
///
/// A Function that returns nothing drops what its callable returns, with one exception: a coroutine's Task is work
/// that has not begun, and is started (see task.hpp).
#pragma once

#if (defined(_MSVC_LANG) ? _MSVC_LANG : __cplusplus) < 202002L
#error "ioloop needs C++20: -std=c++20"
#endif

#include <ioloop/origin.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace ioloop {

template <class Signature> class Function;

namespace detail {

template <class T> inline constexpr bool is_function = false;
template <class S> inline constexpr bool is_function<Function<S>> = true;

/// Callables that can themselves be "nothing": pointers, std::function, another Function.
template <class F>
concept nullable = requires(const F& f) {
    static_cast<bool>(f == nullptr);
};

template <class F> bool is_null([[maybe_unused]] const F& f) {
    if constexpr (nullable<F> && !std::is_function_v<F>) {
        return f == nullptr;
    } else {
        return false;
    }
}
/// Errors: std::invalid_argument with this text and the place, if that is known.
[[noreturn]] void refuse_null(const char* what, const Origin& origin = Origin());

/// Callables that bring the context they want to run in; see wrap() in context.hpp.
template <class F>
concept carries_context = requires {
    typename F::carries_context;
};

/// Results that are work still to be done, such as a coroutine's Task: keep_running(result, closure) takes them over,
/// with the closure, whose captures the work may use. Found by the result's namespace.
template <class Result>
concept keeps_running = requires(Result&& result, std::shared_ptr<void> closure) {
    keep_running(std::move(result), std::move(closure));
};

/// A callable that starts such work.
template <class F> struct Launch {
    std::shared_ptr<F> f;

    template <class... Args> void operator()(Args&&... args) {
        keep_running(std::invoke(*f, std::forward<Args>(args)...), f);
    }
};
/// In its own context, if it brings one.
template <carries_context F> struct Launch<F> {
    using carries_context = void;
    std::shared_ptr<F> f;

    template <class... Args> void operator()(Args&&... args) {
        f->launch(
            [&](auto& callable) { keep_running(std::invoke(callable, std::forward<Args>(args)...), f); });
    }
};

/// What can be done with a closure that lies in somebody's storage: the table behind a Function.
template <class Signature> struct ClosureOperations;
template <class R, class... Args> struct ClosureOperations<R(Args...)> {
    R (*invoke)(void* storage, Args&&... args);
    void (*relocate)(void* from, void* to) noexcept;      ///< null: the bytes may simply be copied
    void (*destroy)(void* storage) noexcept;              ///< null: nothing to do
    std::uint64_t (*owner)(const void* storage) noexcept; ///< null: nobody's
    std::uint32_t size;                                   ///< of what lies in the storage, in bytes
    bool carries_context;
};

/// A closure that is but bytes, of two pointers' size at most: what it captures fits into registers.
struct ClosureWords {
    std::uintptr_t words[2];
};

} // namespace detail

template <class R, class... Args> class Function<R(Args...)> {
public:
    using Operations = detail::ClosureOperations<R(Args...)>;

    /// Closures up to this many bytes, of at most pointer alignment and with a noexcept move, live inside.
    static constexpr std::size_t inline_size = 48;
    static_assert(inline_size % sizeof(void*) == 0);
    template <class F>
    static constexpr bool
        fits_inline = sizeof(F) <= inline_size &&
                      alignof(F) <= alignof(void*) && std::is_nothrow_move_constructible_v<F>;

    Function() noexcept = default;
    Function(std::nullptr_t) noexcept {}

    /// Takes any callable. A null pointer to function or an empty std::function gives an empty Function.
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, Function> &&
                 std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
    Function(F&& callable) {
        using Closure = std::decay_t<F>;
        if (detail::is_null(callable)) return;
        using Result = std::invoke_result_t<Closure&, Args...>;
        if constexpr (std::is_void_v<R> && detail::keeps_running<Result>) {
            using Launch = detail::Launch<Closure>;
            ::new (static_cast<void*>(storage_)) Launch{std::make_shared<Closure>(std::forward<F>(callable))};
            operations_ = &inline_operations<Launch>;
        } else if constexpr (fits_inline<Closure>) {
            ::new (static_cast<void*>(storage_)) Closure(std::forward<F>(callable));
            operations_ = &inline_operations<Closure>;
        } else {
            auto owned = std::make_unique<Closure>(std::forward<F>(callable));
            ::new (static_cast<void*>(storage_)) Closure*(owned.release());
            operations_ = &heap_operations<Closure>;
        }
    }

    Function(Function&& other) noexcept { take(other); }
    Function& operator=(Function&& other) noexcept {
        if (this == &other) return *this;
        if (operations_ == nullptr || operations_->destroy == nullptr) {
            take(other);
        } else {
            const Function old(std::move(*this)); // goes last: its destructor may assign to this
            take(other);
        }
        return *this;
    }
    Function(const Function&) = delete;
    Function& operator=(const Function&) = delete;
    ~Function() { reset(); }

    explicit operator bool() const noexcept { return operations_ != nullptr; }
    friend bool operator==(const Function& f, std::nullptr_t) noexcept { return f.operations_ == nullptr; }

    R operator()(Args... args) { return operations_->invoke(storage_, std::forward<Args>(args)...); }

    /// True if the callable was wrap()ped. Requires: not empty.
    bool carries_context() const noexcept { return operations_->carries_context; }

    /// What its callable's owner() says: the id of the Scope through which it came. 0: it has no such member.
    std::uint64_t owner() const noexcept {
        return operations_ != nullptr && operations_->owner != nullptr ? operations_->owner(storage_) : 0;
    }

    /// The callable, if it is an F; else null. As std::function's.
    template <class F> F* target() noexcept {
        if constexpr (fits_inline<F>) {
            if (operations_ == &inline_operations<F>) return inside<F>(storage_);
        } else {
            if (operations_ == &heap_operations<F>) return *inside<F*>(storage_);
        }
        return nullptr;
    }

    // For who keeps closures without the room that they do not fill.

    /// Null: empty.
    const Operations* operations() const noexcept { return operations_; }
    /// Moves the closure to `storage`, where the operations go on being those for it, and leaves this empty.
    /// Requires: not empty; pointer alignment, and room for operations()->size bytes, rounded up to a pointer's.
    void move_to(void* storage) noexcept {
        const Operations* operations = std::exchange(operations_, nullptr);
        if (operations->relocate != nullptr) return operations->relocate(storage_, storage);
        copy_bytes(storage, operations->size);
    }
    /// The same, for a closure of two pointers at most, and without a loop, which compilers like to make a call of.
    void move_small_to(void* storage) noexcept {
        const Operations* operations = std::exchange(operations_, nullptr);
        if (operations->relocate != nullptr) return operations->relocate(storage_, storage);
        if (operations->size > sizeof(void*)) return copy_bytes(storage, 2 * sizeof(void*));
        copy_bytes(storage, sizeof(void*));
    }
    /// Whether an F is such a closure. Then it need not be a Function on its way to where it is kept.
    template <class F>
    static constexpr bool fits_words = [] {
        if constexpr (detail::is_function<F> || detail::nullable<F> || !std::is_trivially_copyable_v<F> ||
                      !std::is_copy_constructible_v<F> || !std::is_invocable_r_v<R, F&, Args...>) {
            return false;
        } else {
            return fits_inline<F> && sizeof(F) <= sizeof(detail::ClosureWords) &&
                   !detail::keeps_running<std::invoke_result_t<F&, Args...>>;
        }
    }();
    template <class F>
        requires(fits_words<F>)
    static detail::ClosureWords words_of(const F& closure) noexcept {
        detail::ClosureWords words{};
        std::memcpy(&words, static_cast<const void*>(&closure), sizeof closure);
        return words;
    }
    template <class F> static constexpr const Operations& operations_of() noexcept {
        return inline_operations<F>;
    }
    /// The same of what this has. Requires: not empty.
    bool is_words() const noexcept {
        return operations_->relocate == nullptr && operations_->size <= sizeof(detail::ClosureWords);
    }
    /// Requires: is_words().
    detail::ClosureWords words() const noexcept {
        detail::ClosureWords words;
        std::memcpy(&words, storage_, sizeof words);
        return words;
    }
    /// Somebody else has it now.
    void forget() noexcept { operations_ = nullptr; }

private:
    template <class F> static R call(F& f, Args&&... args) {
        if constexpr (std::is_void_v<R>) {
            std::invoke(f, std::forward<Args>(args)...);
        } else {
            return std::invoke(f, std::forward<Args>(args)...);
        }
    }

    template <class F> static F* inside(void* storage) noexcept {
        return std::launder(static_cast<F*>(storage));
    }
    template <class F> static R invoke_inline(void* storage, Args&&... args) {
        return call(*inside<F>(storage), std::forward<Args>(args)...);
    }
    template <class F> static void relocate_inline(void* from, void* to) noexcept {
        ::new (to) F(std::move(*inside<F>(from)));
        std::destroy_at(inside<F>(from));
    }
    template <class F> static void destroy_inline(void* storage) noexcept {
        std::destroy_at(inside<F>(storage));
    }
    template <class F> static R invoke_heap(void* storage, Args&&... args) {
        return call(**inside<F*>(storage), std::forward<Args>(args)...);
    }
    using OwnerOf = std::uint64_t (*)(const void* storage) noexcept;
    template <class F> static constexpr OwnerOf owner_inline() noexcept {
        if constexpr (requires(const F& f) {
                          { f.owner() }
                          noexcept->std::same_as<std::uint64_t>;
                      }) {
            return [](const void* storage) noexcept {
                return std::launder(static_cast<const F*>(storage))->owner();
            };
        } else {
            return nullptr;
        }
    }
    template <class F> static void destroy_heap(void* storage) noexcept { delete *inside<F*>(storage); }

    template <class F>
    static constexpr Operations inline_operations = {
        &invoke_inline<F>,
        std::is_trivially_copyable_v<F> ? nullptr : &relocate_inline<F>,
        std::is_trivially_destructible_v<F> ? nullptr : &destroy_inline<F>,
        owner_inline<F>(),
        sizeof(F),
        detail::carries_context<F>,
    };
    template <class F>
    static constexpr Operations heap_operations = {&invoke_heap<F>, nullptr,    &destroy_heap<F>,
                                                   nullptr,         sizeof(F*), detail::carries_context<F>};

    void take(Function& other) noexcept {
        operations_ = std::exchange(other.operations_, nullptr);
        if (operations_ == nullptr) return;
        if (operations_->relocate != nullptr) {
            operations_->relocate(other.storage_, storage_);
        } else {
            other.copy_bytes(storage_, inline_size);
        }
    }
    /// The bytes beyond the closure do not matter. By the pointer's size: what was written a moment ago as a pointer or a
    /// number is passed on by the processor to a load of as much, but a wider one would wait for the cache.
    void copy_bytes(void* to, std::size_t size) const noexcept {
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
        for (std::size_t done = 0; done < size; done += sizeof(void*))
            std::memcpy(static_cast<std::byte*>(to) + done, storage_ + done, sizeof(void*));
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
    }
    void reset() noexcept {
        // Emptied first: a destructor that looks at its owner must not find a half-dead callable.
        const Operations* operations = std::exchange(operations_, nullptr);
        if (operations != nullptr && operations->destroy != nullptr) operations->destroy(storage_);
    }

    alignas(void*) std::byte storage_[inline_size];
    const Operations* operations_ = nullptr;
};

} // namespace ioloop
