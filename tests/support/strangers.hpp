// SPDX-License-Identifier: MIT
/// Strangers: viewers of an InspectorServer that say what a test wants, which may be nothing that a viewer says.
#pragma once

#include "inspect/message.hpp"
#include "inspect/message_link.hpp"
#include "support/inspected_program.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <gtest/gtest.h>

/// A connection to the server, and whatever a test says through it.
class Stranger {
public:
    explicit Stranger(const std::string& address) {
        std::error_code error;
        ioloop::Socket socket = ioloop::Socket::connect(ioloop::SocketAddress::parse(address), error);
        if (error) throw std::system_error(error);
        link_ = ioloop::MessageLink(std::move(socket), ioloop::longest_answer);
    }
    template <class F> void say(F write) {
        write(link_.out());
        link_.send(SIZE_MAX);
    }
    void say_bytes(std::vector<std::uint8_t> bytes) {
        say([&](std::vector<std::uint8_t>& out) { out.insert(out.end(), bytes.begin(), bytes.end()); });
    }
    /// What was answered; `nothing` if it is cut off without a word.
    std::optional<ioloop::Message> answer() {
        link_.receive(SIZE_MAX);
        const auto frame = link_.next_frame();
        if (!frame) return std::nullopt;
        bytes_.assign(frame->bytes.begin(), frame->bytes.end());
        return frame->message;
    }
    bool cut_off() {
        link_.receive(SIZE_MAX);
        return link_.state() == ioloop::MessageLink::State::ended;
    }
    const std::vector<std::uint8_t>& bytes() const { return bytes_; }
    std::size_t unsent() const { return link_.unsent(); }

private:
    ioloop::MessageLink link_;
    std::vector<std::uint8_t> bytes_;
};

struct Strangers : InspectedProgram {
    Stranger come() { return Stranger(server->address()); }
    Stranger come_in() {
        Stranger viewer = come();
        viewer.say([](std::vector<std::uint8_t>& out) { ioloop::write_hello(out, token); });
        EXPECT_EQ(answer(viewer), ioloop::Message::welcome);
        return viewer;
    }
    std::optional<ioloop::Message> answer(Stranger& stranger) {
        std::optional<ioloop::Message> said;
        run_until([&] {
            said = stranger.answer();
            return said || stranger.cut_off();
        });
        return said;
    }
    bool is_cut_off(Stranger& stranger) {
        return run_until([&] {
            while (stranger.answer()) {}
            return stranger.cut_off();
        });
    }
};
