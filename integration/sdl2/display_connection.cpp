// SPDX-License-Identifier: MIT
#include "display_connection.hpp"

#include <initializer_list>

#include <SDL.h>
#include <SDL_syswm.h>

namespace ioloop::sdl2 {

#if defined(SDL_VIDEO_DRIVER_X11)

namespace {

/// All windows share one connection, so any will do. SDL has no list of them, but numbers them in their order.
SDL_Window* any_window() noexcept {
    constexpr Uint32 stride = 256;                   // of so many that came and went between two calls
    static Uint32 oldest = 1;                        // all before it are gone. Thread: that of SDL's video
    for (const Uint32 first : {oldest, Uint32(1)}) { // and SDL begins anew when video is initialised again
        for (Uint32 id = first; id < first + stride; ++id) {
            if (SDL_Window* window = SDL_GetWindowFromID(id)) {
                oldest = id;
                return window;
            }
        }
    }
    return nullptr;
}

} // namespace

Fd display_connection() noexcept {
    if ((SDL_WasInit(SDL_INIT_VIDEO) & SDL_INIT_VIDEO) == 0) return invalid_fd;
    SDL_Window* const window = any_window();
    if (window == nullptr) return invalid_fd;
    SDL_SysWMinfo info;
    SDL_VERSION(&info.version);
    if (SDL_GetWindowWMInfo(window, &info) != SDL_TRUE || info.subsystem != SDL_SYSWM_X11) return invalid_fd;
    return ConnectionNumber(info.info.x11.display);
}

#else

Fd display_connection() noexcept { return invalid_fd; }

#endif

} // namespace ioloop::sdl2
