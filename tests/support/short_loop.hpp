// SPDX-License-Identifier: MIT
/// ShortLoop: the fixture of what becomes of descriptors that the system cannot watch just now.
#pragma once

#include "short_poller.hpp"
#include "sim_world.hpp"
#include "socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

/// A loop over a ShortPoller, in simulated time.
class ShortLoop : public testing::Test {
protected:
    SimWorld world;
    SocketPair pair;
    Shortage shortage;
    std::vector<std::string> errors;
    std::function<void()> on_error;
    ioloop::IOLoop loop{options()};
    int calls = 0;

    /// Its handler reads, and counts.
    void add(const SocketPair& peer, ioloop::Events events = ioloop::Events::read) {
        loop.add_handler(
            peer.a,
            [this, &peer](ioloop::Fd, ioloop::Events) {
                peer.read_a();
                ++calls;
            },
            events, "peer");
    }
    /// The handler of `pair` waits, once, in a nested turn, in which it is not watched; then something is lacking.
    void add_that_nests(bool throwing = false) {
        loop.add_handler(
            pair.a,
            [this, throwing, nested = false](ioloop::Fd, ioloop::Events) mutable {
                pair.read_a();
                ++calls;
                if (std::exchange(nested, true)) return;
                loop.run_once();
                shortage.throws = throwing;
                if (!throwing) shortage.of_adding = std::errc::not_enough_memory;
            },
            ioloop::Events::read, "nester");
        pair.send_to_a();
    }
    int run(ioloop::Duration timeout = ioloop::no_wait) {
        calls = 0;
        loop.run_once(timeout);
        return calls;
    }
    /// The poller goes on about a descriptor that has gone: the loop has it forget all, and adds them again.
    void haunt() {
        SocketPair gone;
        loop.add_handler(
            gone.a, [](ioloop::Fd, ioloop::Events) {}, ioloop::Events::read);
        const ioloop::Poller::Key key = shortage.last_added;
        loop.remove_handler(gone.a);
        run();
        shortage.ghost = key;
    }

    ioloop::IOLoop::Options options() {
        ioloop::IOLoop::Options options = world.options(std::make_unique<ShortPoller>(shortage, world));
        options.on_error = [this](const std::exception_ptr& error, const ioloop::Origin& origin,
                                  ioloop::CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                errors.push_back(std::string(origin.name != nullptr ? origin.name : "") + ": " + e.what());
            }
            if (on_error) on_error();
        };
        return options;
    }
};
