// SPDX-License-Identifier: MIT
/// SDL's connection to the window system, as a descriptor.
#pragma once

#include <ioloop/fd.hpp>

namespace ioloop::sdl2 {

/// Readable when the window system has something for SDL, if SDL has pumped its events since it last was; invalid_fd
/// where there is none, or where SDL does not tell: without a window, and everywhere but on X11. (Wayland's connection may
/// only be waited for between wl_display_prepare_read() and wl_display_read_events(), which are SDL's to call.)
/// Lifetime: SDL's; until its video subsystem is quit.
Fd display_connection() noexcept;

} // namespace ioloop::sdl2
