// SPDX-License-Identifier: MIT
/// How the core reports errors, with exceptions and without. Floor 0.
///
/// Built with -fno-exceptions, what would be thrown is printed, and the program aborts; the overloads with an
/// std::error_code work alike in both worlds.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/origin.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#if defined(__cpp_exceptions)
#define IOLOOP_EXCEPTIONS 1
#else
#define IOLOOP_EXCEPTIONS 0
#endif

namespace ioloop {

template <class Exception> [[noreturn]] void raise(Exception exception) {
#if IOLOOP_EXCEPTIONS
    throw std::move(exception);
#else
    std::fprintf(stderr, "ioloop: %s\n", exception.what());
    std::abort();
#endif
}

/// «'expire' at game.cpp:120» or «game.cpp:120».
/// (By append() rather than operator+: gcc 12 warns about the latter, its bug 105651.)
inline std::string describe(const Origin& origin) {
    std::string text;
    if (origin.name != nullptr) text.append("'").append(origin.name).append("' at ");
    return text.append(origin.file).append(":").append(std::to_string(origin.line));
}

/// As messages name a descriptor.
inline std::string fd_name(Fd fd) { return std::string("fd ").append(std::to_string(fd)); }

/// What an exception says.
inline std::string message_of([[maybe_unused]] const std::exception_ptr& error) {
#if IOLOOP_EXCEPTIONS
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) { // NOLINT(bugprone-empty-catch)
    }
#endif
    return "an exception that is no std::exception";
}

/// The peer went away while a handler wrote to it: news, but no error of the program (seed rule).
inline bool is_broken_pipe([[maybe_unused]] const std::exception_ptr& error) {
#if IOLOOP_EXCEPTIONS
    try {
        std::rethrow_exception(error);
    } catch (const std::system_error& e) {
        return e.code() == std::errc::broken_pipe;
    } catch (...) { // NOLINT(bugprone-empty-catch)
    }
#endif
    return false;
}

} // namespace ioloop
