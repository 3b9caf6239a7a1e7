// SPDX-License-Identifier: MIT
/// MotdPage: the message of the day, for whoever asks by HTTP. The server's side of Motd.
///
/// GET, one answer, and the connection is closed. It trusts nobody: a request has 8 KiB and some seconds, there are so many
/// visitors at once and no more, and who is slow costs himself.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/net/tcp_server.hpp>
#include <ioloop/net/tcp_stream.hpp>
#include <ioloop/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace arena {

inline constexpr std::size_t longest_motd = 65'536; ///< bytes

class MotdPage {
public:
    struct Options {
        ioloop::SocketAddress at = {}; ///< none: 127.0.0.1 and a free port
        std::string text = {};         ///< UTF-8
        ioloop::Duration patience =
            std::chrono::seconds(5);      ///< for a visit; and as long as a slow text takes
        std::size_t bytes_per_second = 0; ///< 0: at once
        std::size_t most_visitors = 16;   ///< who is too many is hung up on
    };
    struct Counters {
        std::uint64_t served = 0;      ///< 200
        std::uint64_t refused = 0;     ///< any other status
        std::uint64_t turned_away = 0; ///< were too many
    };

    /// Lifetime: the loop's is longer.
    /// Errors: std::system_error if the address cannot be had; std::invalid_argument for a text that is too long.
    MotdPage(ioloop::IOLoop& loop, Options options);
    MotdPage(const MotdPage&) = delete;
    MotdPage& operator=(const MotdPage&) = delete;
    ~MotdPage();

    ioloop::SocketAddress address() const { return server_.addresses().front(); }
    std::uint16_t port() const { return address().port(); }
    const Counters& counters() const noexcept { return counters_; }

private:
    void welcome(ioloop::Socket socket);
    ioloop::Task<> receive(ioloop::TcpStream stream);
    ioloop::Task<> answer(ioloop::TcpStream& stream);
    std::string reply_to(std::string_view head);

    ioloop::IOLoop& loop_;
    Options options_;
    Counters counters_;
    std::vector<ioloop::Future<void>> visits_; ///< some of them over
    ioloop::TcpServer server_;
};

} // namespace arena
