// SPDX-License-Identifier: MIT
/// InspectorServer: lets viewers on the same machine look into a loop of this program. Floor 3.
///
///     InspectorServer server(loop, {.address = "unix:/run/user/1000/game.sock", .token = secret});
///
/// For programs without a window. A viewer's RemoteSource (remote_source.hpp) shows what a LocalSource would here, a
/// moment later. It lives on the loop that it shows: its handlers and timeouts are named "inspector ...", and its cost
/// is there for all to see. While no viewer asks for anything nothing of it runs, and the program sleeps as ever; what
/// runs is remembered from the moment it is made.
///
/// **Who may look.** Who can reach the address, and says the token first. The address is a unix socket, for the same
/// user alone, or TCP on loopback: every user of the machine, and whatever runs in a browser there, can reach that, so
/// keep the token long and secret: not on a command line, which others see. Nothing is encrypted.
///
/// **Who may change something.** Nobody, unless `allow_commands`. Then viewers pause, step, cancel and break: at a safe
/// point, between two calls. If the last viewer leaves while the loop is paused on its account, the loop is resumed and
/// its breakpoints go. (A loop is attended to in a pause as long as somebody calls its run_ members: start() does.)
///
/// **What viewers cannot do.** Block, slow or fill the program. Nothing blocks; a moment is made when it is asked for,
/// as often as `most_per_second`, less often if it takes more than a hundredth of the time to make, and never while
/// the one before waits to be sent. What its descriptors are is told at such a pace, too. Each viewer costs at most one
/// moment of memory. Who says something else than a viewer would, more than it would, or nothing for too long, is cut off.
///
/// Thread: the loop's, for every member.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/inspect/local_source.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace ioloop {

class InspectorServer {
public:
    struct Options {
        std::string address; ///< "unix:/path", "127.0.0.1:port", "[::1]:port"; port 0 is any free one
        std::string token;   ///< 1 to 256 bytes
        bool allow_commands = false;
        double most_per_second = 10; ///< moments for each viewer
        std::size_t most_viewers = 4;
        /// Of a moment; what does not fit is left out, and counted. Of each viewer one is kept.
        std::size_t most_bytes = std::size_t{1} << 20U;
        Duration hello_within = std::chrono::seconds(5);   ///< after connecting
        Duration stalled_after = std::chrono::seconds(30); ///< a viewer that takes nothing is cut off
        LocalSource::Options source = {};                  ///< the recorder of the program's own, for one
    };

    /// Listens. Its recorder becomes the loop's observer, as that of a LocalSource does.
    /// Lifetime: `loop` outlives this, closed or not.
    /// Errors: invalid_argument for an address that is not on this machine, a token that is empty or too long;
    /// system_error with what the system says: address_in_use if a program listens there.
    InspectorServer(IOLoop& loop, Options options);
    InspectorServer(const InspectorServer&) = delete;
    InspectorServer& operator=(const InspectorServer&) = delete;
    /// Cuts all viewers off, and takes the unix socket away.
    ~InspectorServer();

    /// With the port that it was given.
    std::string address() const;

    struct Counts {
        std::size_t viewers = 0;      ///< connected now, those included that have said no token yet
        std::uint64_t accepted = 0;   ///< connections, ever
        std::uint64_t refused = 0;    ///< for their token, their version or their number
        std::uint64_t cut_off = 0;    ///< for what they said, or because they said or took nothing
        std::uint64_t moments = 0;    ///< made
        std::uint64_t commands = 0;   ///< done
        std::uint64_t bytes_sent = 0; ///< handed to the system
        std::size_t unsent = 0;       ///< bytes in memory that wait for viewers to take them
    };
    Counts counts() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_; ///< shared with its callables on the stack: a step may destroy the server
};

} // namespace ioloop
