// SPDX-License-Identifier: MIT
/// Trouble: the classic mistakes in a program that lives on an event loop, to be planted on purpose.
///
/// Plant one, open the inspector, and find out where it is. Each is bounded: it costs frames and processor time, but
/// neither the game nor the machine.
#pragma once

#include <ioloop/ioloop.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace arena {

class Trouble {
public:
    enum class Kind : std::uint8_t {
        unread_socket,
        idle_writer,
        hung_up_pipe,
        closed_descriptor,
        blocking_socket,
        slow_callback,
        reposting_callback,
        flood_of_posts,
        thrower,
        zero_timeout,
        timeout_storm,
        leaked_timeouts,
        wrong_thread,
    };
    static constexpr std::size_t count = 13;

    struct Words {
        const char* name; ///< for a menu
        const char* what; ///< what the program does wrong
        const char* lint; ///< what the inspector calls it
    };
    static const Words& words_of(Kind kind) noexcept;

    /// Lifetime: `loop` outlives it.
    explicit Trouble(ioloop::IOLoop& loop);
    Trouble(const Trouble&) = delete;
    Trouble& operator=(const Trouble&) = delete;
    ~Trouble();

    /// Errors: std::system_error if there are no descriptors left to make trouble with. Idempotent.
    void plant(Kind kind);
    void mend(Kind kind) noexcept;
    bool planted(Kind kind) const noexcept { return planted_[static_cast<std::size_t>(kind)] != nullptr; }

private:
    class Planted;

    ioloop::IOLoop& loop_;
    std::array<std::unique_ptr<Planted>, count> planted_;
};

} // namespace arena
