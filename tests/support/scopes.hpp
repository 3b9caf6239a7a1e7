// SPDX-License-Identifier: MIT
/// Scopes: the fixture of what is tested about them.
#pragma once

#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

struct Scopes : testing::Test {
    SimWorld world;
    ioloop::IOLoop loop{world.options()};
    std::vector<int> order;
    std::optional<ioloop::Scope> scope{std::in_place, loop, "level 3"};
    SocketPair pair;

    ioloop::Callback note(int value) {
        return [this, value] { order.push_back(value); };
    }
    /// A callable's way of saying that it was destroyed.
    static std::shared_ptr<void> life(bool& over) {
        return {nullptr, [&over](void*) { over = true; }};
    }
};
