// SPDX-License-Identifier: MIT
/// ForwardingPoller: hands everything on to the poller that it was made of. To derive from: a test overrides what it is
/// about, and calls this for the rest.
#pragma once

#include <ioloop/poller.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

class ForwardingPoller : public ioloop::Poller {
public:
    using Duration = ioloop::Duration;
    using Events = ioloop::Events;
    using Fd = ioloop::Fd;

    explicit ForwardingPoller(std::unique_ptr<ioloop::Poller> real = ioloop::make_poller())
        : real_(std::move(real)) {}

    std::error_code add(Fd fd, Events events, Key key) override { return real_->add(fd, events, key); }
    std::error_code modify(Fd fd, Events events, Key key) override { return real_->modify(fd, events, key); }
    std::error_code remove(Fd fd) override { return real_->remove(fd); }
    std::error_code reset() override { return real_->reset(); }
    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        return real_->wait(ready, timeout, count);
    }
    void wake() noexcept override { real_->wake(); }
    Fd native_handle() const noexcept override { return real_->native_handle(); }
    bool set_alarm(Duration in) noexcept override { return real_->set_alarm(in); }
    std::string_view name() const noexcept override { return real_->name(); }

private:
    std::unique_ptr<ioloop::Poller> real_;
};
