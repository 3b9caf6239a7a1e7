// SPDX-License-Identifier: MIT
/// Options: the command line.
#pragma once

#include "impairment.hpp"
#include "pacing.hpp"

#include <ioloop/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace arena {

struct Options {
    enum class Mode : std::uint8_t { window, headless, serve, swarm };

    Mode mode = Mode::window;
    std::string host;       ///< of the server to connect to; empty: embed one
    std::uint16_t port = 0; ///< to connect to, or to serve at; 0: a free one
    std::string bind = "127.0.0.1";
    int swarm = 0;    ///< how many play, without windows
    int players = 16; ///< at most, bots among them
    int bots = 5;
    std::string name = "you";
    std::uint32_t seed = 1;
    Impairment::Options network; ///< what it is to be like, each way
    bool autopilot = false;
    bool inspector = false;
    bool modes = false; ///< the panel that compares them
    Pacing pacing = Pacing::pump_until;
    bool report = false;          ///< of a game in a window; the other modes have theirs
    std::string motd;             ///< file with the message of the day; empty: that of the embedded server
    std::size_t motd_rate = 0;    ///< bytes a second; 0: at once
    std::string screenshot;       ///< where to; empty: none
    std::string trace;            ///< where to; empty: none
    std::string inspect;          ///< where a server lets viewers look into its loop; empty: nowhere
    std::string inspect_token;    ///< what they have to say
    bool inspect_control = false; ///< and whether they may do something
    std::uint64_t frames = 0;     ///< 0: no limit
    std::optional<ioloop::Duration> duration; ///< none: no limit
    std::optional<ioloop::Duration> metrics;  ///< how often a server prints them; none: never
    int width = 1280;
    int height = 720;
    float scale = 0; ///< of text; 0: as fits the window
};

/// Reads the command line. If it ends the program (--help, a mistake), says so, and `exit_code` is how.
std::optional<Options> parse_options(int argc, const char* const* argv, int& exit_code);

} // namespace arena
