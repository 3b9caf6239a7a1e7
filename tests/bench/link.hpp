// SPDX-License-Identifier: MIT
/// Link: a connection whose one end the loop reads; it knows when each message was sent.
#pragma once

#include "samples.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace bench {

using ioloop::TimePoint;

/// What is sent: in order, and with the time of sending.
struct Message {
    std::uint64_t number;
    TimePoint sent;
};

class Link {
public:
    explicit Link(ioloop::IOLoop& loop) : loop_(loop) {
        loop_.add_handler(
            pair_.a, [this](ioloop::Fd, ioloop::Events) { receive(); }, ioloop::Events::read, "messages");
    }
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() { loop_.remove_handler(pair_.a); }

    /// Waits if the connection is full. Thread: one, any.
    void send() {
        const Message message{++sent_, ioloop::steady_clock().now()};
        while (::write(pair_.b, &message, sizeof message) != sizeof message) {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    }

    /// From the write to the handler.
    const Samples& latencies() const noexcept { return latencies_; }
    /// When nobody sends any more, and the loop has come to rest.
    /// Errors: std::runtime_error if a message was lost, or came out of order, or there was none.
    void require_all(std::string_view whom) const {
        if (received_ != 0 && received_ == sent_ && in_order_) return;
        throw std::runtime_error(std::string(whom) + ": of " + std::to_string(sent_) + " messages came " +
                                 std::to_string(received_) + (in_order_ ? "" : ", and out of order"));
    }

private:
    void receive() {
        Message message{};
        while (::read(pair_.a, &message, sizeof message) == sizeof message) {
            latencies_.add(ioloop::steady_clock().now() - message.sent);
            ++received_;
            if (message.number != received_) in_order_ = false;
        }
    }

    ioloop::IOLoop& loop_;
    SocketPair pair_;
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    bool in_order_ = true;
    Samples latencies_;
};

} // namespace bench
