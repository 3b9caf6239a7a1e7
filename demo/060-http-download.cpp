// SPDX-License-Identifier: MIT
/// A download, and its progress in each frame of a program that draws meanwhile.
///
///     060-http-download [<url> <file>]     without arguments: from a server of its own
#include <ioloop/curl.hpp>
#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace ioloop;
using namespace std::chrono_literals;

/// The smallest web server there is: the same thirty megabytes for everybody.
class WebServer {
public:
    explicit WebServer(IOLoop& loop)
        : loop_(loop),
          server_(loop, [this](Socket socket, const SocketAddress&) { serve(std::move(socket)); }) {
        server_.listen(SocketAddress::loopback(0));
    }
    std::string url() const { return "http://" + server_.addresses().front().to_string() + "/"; }

private:
    void serve(Socket socket) {
        sockets_.push_back(std::make_unique<Socket>(std::move(socket)));
        Socket& peer = *sockets_.back();
        peer.watch(
            loop_,
            [this, &peer, sent = std::size_t{0}](Fd, Events) mutable {
                std::error_code error;
                sent += peer.send(std::span(answer_).subspan(sent), error);
                if (sent == answer_.size() || error == std::errc::connection_reset) peer.unwatch();
            },
            Events::write, "web server");
    }

    IOLoop& loop_;
    std::vector<std::uint8_t> answer_ = [] {
        const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n";
        std::vector<std::uint8_t> bytes(head.begin(), head.end());
        bytes.resize(bytes.size() + 30'000'000, 'x');
        return bytes;
    }();
    std::vector<std::unique_ptr<Socket>> sockets_;
    TcpServer server_;
};

int main(int count, char** arguments) {
    IOLoop loop;
    const WebServer server(loop);
    curl::HttpClient http(loop);
    const std::string url = count == 3 ? arguments[1] : server.url();
    const std::string file = count == 3 ? arguments[2] : "060-http-download.out";

    curl::Progress progress;
    const auto download = http.download(url, file, [&](curl::Progress now) { progress = now; });

    while (!download.done()) { // 60 frames a second
        const TimePoint next_frame = loop.time() + 16ms;
        std::printf("%9llu of %llu bytes\n", static_cast<unsigned long long>(progress.done),
                    static_cast<unsigned long long>(progress.total));
        loop.run_until(next_frame); // what is left of the frame is the network's
    }
    try {
        std::printf("%s: status %d\n", file.c_str(), download.result().status);
    } catch (const std::exception& error) {
        std::printf("%s\n", error.what());
        return 1;
    }
    if (count < 3) std::remove(file.c_str());
    return 0;
}
