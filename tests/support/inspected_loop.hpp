// SPDX-License-Identifier: MIT
/// InspectedLoop: the fixture of what is clicked in the inspector: a loop, and what it really has.
#pragma once

#include "support/sim_world.hpp"

#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

struct InspectedLoop : testing::Test {
    std::uint64_t handler_id(ioloop::Fd fd) {
        loop.snapshot(snapshot);
        for (const ioloop::HandlerInfo& info : snapshot.handlers) {
            if (info.fd == fd) return info.id;
        }
        return 0;
    }
    std::size_t pending() {
        loop.snapshot(snapshot);
        return snapshot.timeouts.size();
    }

    SimWorld world;
    ioloop::IOLoop loop{world.options()};
    ioloop::Snapshot snapshot;
};
