// SPDX-License-Identifier: MIT
/// ShortPoller: takes descriptors only if the system lacks nothing, which the test decides.
#pragma once

#include "forwarding_poller.hpp"
#include "sim_world.hpp"

#include <ioloop/poller.hpp>

#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

/// What the system lacks, and what the poller was asked for.
struct Shortage {
    std::optional<std::errc> of_adding;     ///< no descriptor can be added; no value: they can
    ioloop::Fd spared = ioloop::invalid_fd; ///< but this one
    std::optional<std::errc> of_modifying;  ///< none can be modified
    bool throws = false;                    ///< it is the poller's own memory
    ioloop::Duration adding_takes{};
    int adds = 0;
    ioloop::Poller::Key last_added = 0;
    std::optional<ioloop::Poller::Key> ghost; ///< the next wait reports it
    bool hides_handle = false;
};

class ShortPoller : public ForwardingPoller {
public:
    ShortPoller(Shortage& shortage, SimWorld& world) : shortage_(shortage), world_(world) {}
    std::error_code add(Fd fd, Events events, Key key) override {
        ++shortage_.adds;
        world_.advance(shortage_.adding_takes);
        if (shortage_.throws) throw std::bad_alloc();
        if (shortage_.of_adding && fd != shortage_.spared) return make_error_code(*shortage_.of_adding);
        shortage_.last_added = key;
        return ForwardingPoller::add(fd, events, key);
    }
    std::error_code modify(Fd fd, Events events, Key key) override {
        if (shortage_.of_modifying) return make_error_code(*shortage_.of_modifying);
        return ForwardingPoller::modify(fd, events, key);
    }
    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        if (const auto error = ForwardingPoller::wait(ready, timeout, count)) return error;
        if (shortage_.ghost) ready[count++] = {*std::exchange(shortage_.ghost, {}), Events::read, false};
        return {};
    }

    Fd native_handle() const noexcept override {
        return shortage_.hides_handle ? ioloop::invalid_fd : ForwardingPoller::native_handle();
    }

private:
    Shortage& shortage_;
    SimWorld& world_;
};
