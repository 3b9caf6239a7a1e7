// SPDX-License-Identifier: MIT
/// Outcome: what became of a piece of work: nothing yet, a value, or an error. Floor 0.
///
/// The three errors that the loop itself gives are here too, told apart by type.
#pragma once

#include <exception>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace ioloop {

namespace detail {

/// A system_error whose what() is the text that it is given. The text of the code would mislead ("Connection timed out").
class PlainError : public std::system_error {
public:
    PlainError(std::errc code, const char* text) : system_error(std::make_error_code(code)), text_(text) {}
    const char* what() const noexcept override { return text_.what(); }

private:
    std::runtime_error text_; ///< rather than a string: to copy it does not throw
};

} // namespace detail

/// Time was up. Its code() is errc::timed_out.
class TimeoutError : public detail::PlainError {
public:
    explicit TimeoutError(const char* what = "the time is up") : PlainError(std::errc::timed_out, what) {}
};

/// Whoever was to give the result was cancelled: by cancel(), or, if it is a task, by the end of its loop. Its code()
/// is errc::operation_canceled.
class CancelledError : public detail::PlainError {
public:
    explicit CancelledError(const char* what = "cancelled")
        : PlainError(std::errc::operation_canceled, what) {}
};

/// run_sync(): somebody stopped the loop before the result was there.
class StoppedError : public std::runtime_error {
public:
    explicit StoppedError(const char* what = "the loop was stopped before the result was there")
        : runtime_error(what) {}
};

/// T: an object, a reference, or void.
template <class T> class Outcome {
public:
    using Reference = std::add_lvalue_reference_t<T>; ///< void for void

    bool done() const noexcept { return state_.index() != 0; }
    bool failed() const noexcept { return state_.index() == 2; }

    template <class... Args> void set_value(Args&&... args) {
        if constexpr (std::is_reference_v<T>) {
            state_.template emplace<1>(&args...);
        } else {
            state_.template emplace<1>(std::forward<Args>(args)...);
        }
    }
    // NOLINTNEXTLINE(bugprone-exception-escape): moving an exception_ptr throws nothing
    void set_error(std::exception_ptr error) noexcept { state_.template emplace<2>(std::move(error)); }

    /// What the other came to; if its value cannot be moved, the exception of that.
    // NOLINTNEXTLINE(bugprone-exception-escape): nor does set_error()
    void take_over(Outcome&& other) noexcept {
#if defined(__cpp_exceptions)
        try {
#endif
            state_ = std::move(other.state_);
#if defined(__cpp_exceptions)
        } catch (...) {
            set_error(std::current_exception());
        }
#endif
    }

    /// Null unless failed().
    std::exception_ptr error() const noexcept {
        const std::exception_ptr* error = std::get_if<2>(&state_);
        return error != nullptr ? *error : nullptr;
    }

    /// The value, to be looked at or moved from. Requires: done(). Errors: the error.
    Reference get() {
        if (const std::exception_ptr* error = std::get_if<2>(&state_)) {
            if (*error == nullptr) std::terminate(); // made without exceptions (-fno-exceptions)
            std::rethrow_exception(*error);
        }
        if constexpr (std::is_reference_v<T>) {
            return **std::get_if<1>(&state_);
        } else if constexpr (!std::is_void_v<T>) {
            return *std::get_if<1>(&state_);
        }
    }
    /// The value, moved out. Requires: done(). Errors: the error.
    T take() {
        if constexpr (std::is_void_v<T> || std::is_reference_v<T>) {
            return get();
        } else {
            return std::move(get());
        }
    }

private:
    struct Nothing {};
    using Value =
        std::conditional_t<std::is_void_v<T>, Nothing,
                           std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

    std::variant<std::monostate, Value, std::exception_ptr> state_;
};

} // namespace ioloop
