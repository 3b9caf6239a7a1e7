// SPDX-License-Identifier: MIT
/// PeriodicCallbacks: the fixture of what is tested about them.
#pragma once

#include "support/sim_world.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

struct PeriodicCallbacks : testing::Test {
    SimWorld world;
    ioloop::IOLoop loop{world.options()};
    std::vector<std::int64_t> at; ///< seconds at which it was called

    ioloop::Callback note(ioloop::Duration taking = {}) {
        return [this, taking] {
            at.push_back(std::chrono::duration_cast<std::chrono::seconds>(world.elapsed()).count());
            world.advance(taking);
        };
    }
    void run(ioloop::Duration how_long) {
        const ioloop::TimePoint end = world.now() + how_long;
        while (world.now() < end) loop.run_once(end - world.now());
    }
};
