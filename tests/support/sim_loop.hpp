// SPDX-License-Identifier: MIT
/// SimLoop: the fixture of most tests of what is made of the loop: a loop in a simulated world, which notes the errors
/// that are reported to it.
#pragma once

#include "support/sim_world.hpp"

#include <exception>
#include <string>
#include <vector>

#include <gtest/gtest.h>

struct SimLoop : testing::Test {
    SimWorld world;
    std::vector<std::string> reported; ///< «text», or «name: text» if whatever failed has a name
    ioloop::IOLoop loop{options()};

protected:
    /// Before the members of a fixture that is made of this one, to which callables refer.
    void TearDown() override { loop.close(); }

private:
    ioloop::IOLoop::Options options() {
        auto options = world.options();
        options.on_error = [this](const std::exception_ptr& error, const ioloop::Origin& origin,
                                  ioloop::CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                reported.push_back((origin.name != nullptr ? std::string(origin.name) + ": " : "") +
                                   e.what());
            }
        };
        return options;
    }
};
