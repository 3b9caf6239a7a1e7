// SPDX-License-Identifier: MIT
/// Origin: where in the program a call was made. Floor 0.
///
/// Every registering member of the loop takes one as its last, defaulted argument, so that the inspector,
/// the log and an error can say «game.cpp:120, on_spawn» instead of an address. A string literal is an
/// Origin too, and names the thing: `loop.call_later(5s, expire, "session expiry")`.
///
/// The place is where the literal becomes an Origin. Through a forwarding function (make_unique,
/// emplace_back) that is inside of the function; write `Origin("name")` there.
///
/// Helpers that register on behalf of their caller take an Origin the same way and pass it on; else every row
/// of the inspector would read «helper.hpp».
///
/// std::source_location would do, but clang 14 does not offer it with libstdc++ 12; the builtins below are
/// what it is made of, in gcc, clang and MSVC.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ioloop {

/// Members that are called all the time take it by reference: a copy made right after its fields were written, which goes
/// by 16 bytes, would wait until each of them is in the cache, for longer than such a call takes.
struct Origin {
    const char* name = nullptr; ///< null: unnamed
    const char* file = "";
    const char* function = "";
    std::uint32_t line = 0;
    bool internal = false; ///< the library's own doing: inspectors show it on request only

    constexpr Origin() noexcept = default;

    /// A named call site. Lifetime: the name is not copied; the literal lives as long as the program.
    template <std::size_t N>
    constexpr Origin(const char (&literal)[N], const char* at_file = __builtin_FILE(),
                     std::uint32_t at_line = __builtin_LINE(),
                     const char* at_function = __builtin_FUNCTION()) noexcept
        : name(literal),
          file(at_file),
          function(at_function),
          line(at_line) {}

    /// The same place, where the library registers something for itself.
    constexpr Origin as_internal() const noexcept {
        Origin origin = *this;
        origin.internal = true;
        return origin;
    }

    /// A buffer is not a literal: it would be gone when the inspector looks.
    template <std::size_t N> Origin(char (&buffer)[N]) = delete;

    /// The unnamed place of the call in whose default argument this stands.
    static constexpr Origin here(const char* at_file = __builtin_FILE(),
                                 std::uint32_t at_line = __builtin_LINE(),
                                 const char* at_function = __builtin_FUNCTION()) noexcept {
        Origin origin;
        origin.file = at_file;
        origin.function = at_function;
        origin.line = at_line;
        return origin;
    }
};

} // namespace ioloop
