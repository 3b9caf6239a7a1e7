// SPDX-License-Identifier: MIT
/// Breakpoints in words: what they wait for, and what they stopped at.
#pragma once

#include <ioloop/inspect/breakpoints.hpp>
#include <ioloop/inspect/moment.hpp>
#include <ioloop/inspect/text.hpp>

namespace ioloop::imgui {

bool is_set(const Moment& moment, const Breakpoint& breakpoint);

/// "handler 'link'", "site 'link', link.cpp:41", "a call that throws".
Text name_of(const Moment& moment, const Breakpoint& breakpoint);

/// "before handler 'link'", "callback 'save' took 20.0 ms".
Text reason_of(const Breakpoints::Hit& hit);

} // namespace ioloop::imgui
