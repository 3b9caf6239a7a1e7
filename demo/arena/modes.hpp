// SPDX-License-Identifier: MIT
/// The four ways to run the game. Each returns the exit code of the program.
#pragma once

#include "options.hpp"

namespace arena {

int serve(const Options& options);
int play_headless(const Options& options);
int play_in_window(const Options& options);
int play_swarm(const Options& options);

} // namespace arena
