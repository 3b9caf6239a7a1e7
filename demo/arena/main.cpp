// SPDX-License-Identifier: MIT
/// Arena: a small networked game, to see an IOLoop at work. Start at session.hpp.
#include "modes.hpp"
#include "session.hpp"

#include <exception>
#include <string>

#if __has_include(<SDL_main.h>)
#include <SDL_main.h> // where the system wants another main() than this one
#endif

int main(int argc, char** argv) {
    int exit_code = 0;
    const auto options = arena::parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    try {
        switch (options->mode) {
        case arena::Options::Mode::serve: return arena::serve(*options);
        case arena::Options::Mode::headless: return arena::play_headless(*options);
        case arena::Options::Mode::swarm: return arena::play_swarm(*options);
        case arena::Options::Mode::window: return arena::play_in_window(*options);
        }
    } catch (const std::exception& error) {
        arena::log_line(error.what());
    }
    return 1;
}
