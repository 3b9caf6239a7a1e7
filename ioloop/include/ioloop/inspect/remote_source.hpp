// SPDX-License-Identifier: MIT
/// RemoteSource: a loop of another program on this machine, which has an InspectorServer. Floor 3.
///
///     RemoteSource source(loop, {.address = "unix:/run/user/1000/game.sock", .token = secret});
///     imgui::Inspector inspector(source);
///
/// It connects by itself, and again when the connection is lost. It asks for a moment when refresh() wants one, as
/// often as the other side allows: a viewer that nobody looks at costs the program nothing. What the other side sends
/// is checked; what is wrong ends the connection, and memory has a limit.
///
/// Thread: that of `loop`, for every member.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/inspect/source.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ioloop {

class RemoteSource final : public Source {
public:
    struct Options {
        std::string address; ///< as InspectorServer::Options has it
        std::string token;
        Duration retry_after = std::chrono::milliseconds(250); ///< twice as long after each failure
        Duration retry_at_least_every = std::chrono::seconds(5);
        Duration answer_within = std::chrono::seconds(5); ///< while connecting
        std::size_t calls = 1024;                         ///< how many of the last ones to keep
        std::size_t turns = 512;
    };
    enum class State : std::uint8_t {
        connecting,
        connected,
        refused, ///< the token is wrong, say: it does not try again by itself
        lost,    ///< or never reached; it tries again
    };

    /// Lifetime: `loop`, which is the viewer's own, outlives this.
    /// Errors: invalid_argument for an address that is not on this machine, or a token that is empty or too long.
    RemoteSource(IOLoop& loop, Options options);
    ~RemoteSource() override;

    State state() const noexcept;
    /// In a sentence, with what there is to know: "connected to 'arena', read-only".
    Text state_text() const;
    /// Tries at once, whatever the state is.
    void reconnect();

    /// How many moments have come.
    std::uint64_t moments() const noexcept;
    /// What became of the last command that was answered, and how many were.
    const Text& outcome() const noexcept;
    std::uint64_t outcomes() const noexcept;
    /// Rows of the lists that were too many to be sent.
    std::uint64_t left_out() const noexcept;

    void begin_frame() override {}
    bool refresh(Moment& moment, double now) override;
    const Descriptor* describe(std::uint64_t handler, Fd fd, double now) override;
    std::uint64_t calls_run() const override;
    bool paused() const override;
    const char* refusal() const override;
    /// Sends it; outcome() will say what came of that.
    Text request(const Command& command) override;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace ioloop
