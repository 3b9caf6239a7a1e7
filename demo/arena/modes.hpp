// SPDX-License-Identifier: MIT
/// The three ways to run the game. Each returns the exit code of the program.
#pragma once

#include "options.hpp"

namespace arena {

int serve(const Options& options);
int play_headless(const Options& options);
int play_in_window(const Options& options);

} // namespace arena
