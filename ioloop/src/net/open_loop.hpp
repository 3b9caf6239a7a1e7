// SPDX-License-Identifier: MIT
/// The loop of something that may outlive it. Floor 3.
#pragma once

#include "raise.hpp"

#include <ioloop/poster.hpp>

namespace ioloop {

/// Errors: logic_error if it is closed.
inline IOLoop& open_loop(const Poster& poster, const char* what, const Origin* origin = nullptr) {
    if (IOLoop* const loop = poster.loop()) return *loop;
    std::string text = std::string(what).append(": the loop is closed");
    if (origin != nullptr) text.append(", ").append(describe(*origin));
    raise(std::logic_error(text));
}

} // namespace ioloop
