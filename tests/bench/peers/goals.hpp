// SPDX-License-Identifier: MIT
/// What this library wants to reach, as data. The goal is a ratio within one run: absolute figures move with the machine.
#pragma once

#include <array>

namespace bench::peers {

struct Goal {
    const char* scenario;
    double at_most;                  ///< times what it is measured against
    const char* against = best_peer; ///< a subject, or one of these
    const char* subject = "ioloop";

    static constexpr const char* best_peer = "best peer";
    static constexpr const char* nanoseconds = "ns";
};

// clang-format off
constexpr std::array goals{
    Goal{"idle_pump K=1000 T=1000",  1 / 12.0},
    Goal{"idle_pump K=10000 T=1000", 1 / 12.0},
    Goal{"idle_pump_cold K=100 T=100", 0.2},
    Goal{"post B=1",                 1 / 6.0},
    Goal{"post B=64",                0.8},
    Goal{"post B=1024",              1.2},
    Goal{"post_threadsafe B=1",      1 / 8.0},
    Goal{"post_threadsafe B=64",     0.6},
    Goal{"cross_thread P=1",         0.8},
    Goal{"cross_thread P=2",         0.8},
    Goal{"post_to_pumped",           0.7},
    Goal{"wake_blocked",             1.05},
    Goal{"arm_cancel N=1000",        0.8},
    Goal{"arm_cancel N=100000",      0.4},
    Goal{"arm_fire N=1000",          1},
    Goal{"arm_fire N=100000",        0.8},
    Goal{"rearm N=1000",             0.25},
    Goal{"rearm N=100000",           0.06},
    Goal{"fd_chain N=100 M=1",       1},
    Goal{"fd_chain N=100 M=100",     1.08},
    Goal{"fd_chain N=10000 M=1",     1},
    Goal{"ping_pong",                1.02},
    Goal{"add_remove",               0.5},
    Goal{"toggle",                   0.2},
    Goal{"connection",               0.97},
    Goal{"game_frame active=4",      1},
    Goal{"game_frame active=0",      0.2},
    Goal{"lateness 1 ms",            1.05},
    Goal{"lateness 4.2 ms",          1.1},
    Goal{"backlog 2000 x 50 us",     2'050'000, Goal::nanoseconds},
};
// clang-format on

} // namespace bench::peers
