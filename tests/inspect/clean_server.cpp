// SPDX-License-Identifier: MIT
// A busy server without a bug, in real time: whatever the linter says of it is wrong.
//
// By hand, for longer: IOLOOP_CLEAN_SECONDS=60 test_inspect_clean_server
#include "support/linted_loop.hpp"
#include "support/os.hpp"
#include "support/poller_traits.hpp"
#include "support/sanitizers.hpp"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// Answers whatever it gets, and closes a connection that is idle for half a minute.
class Server {
public:
    explicit Server(IOLoop& loop) : loop_(loop) {
        listener_ = os::bound_socket(address);
        if (::listen(listener_, 128) != 0 || ::fcntl(listener_, F_SETFL, O_NONBLOCK) != 0) os::fail("listen");
        loop_.add_handler(
            listener_, [this](Fd, Events) { accept(); }, Events::read, "listener");
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server() {
        loop_.remove_handler(listener_);
        os::close(listener_);
        for (const auto& each : connections_) {
            loop_.remove_timeout(each->idle);
            loop_.remove_handler(each->fd);
            os::close(each->fd);
        }
    }
    std::size_t connections() const { return connections_.size(); }
    std::uint64_t answers = 0;
    sockaddr_in address{};

private:
    struct Connection {
        Fd fd = invalid_fd;
        Timeout idle;
    };

    void accept() {
        for (Fd fd = 0; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
            connections_.push_back(std::make_unique<Connection>());
            Connection& made = *connections_.back();
            made.fd = fd;
            loop_.add_handler(
                fd, [this, &made](Fd, Events) { answer(made); }, Events::read, "connection");
            made.idle = loop_.call_later(
                30s, [] {}, "idle");
        }
    }
    void answer(Connection& connection) {
        const std::string text = SocketPair::read_all(connection.fd);
        if (!text.empty()) os::send(connection.fd, text);
        loop_.update_timeout(connection.idle, loop_.now() + 30s);
        ++answers;
    }

    IOLoop& loop_;
    Fd listener_ = invalid_fd;
    std::vector<std::unique_ptr<Connection>> connections_;
};

/// Sends back what it is sent, for ever.
class Client {
public:
    Client(IOLoop& loop, const sockaddr_in& there)
        : loop_(loop),
          fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (::connect(fd_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) os::fail("connect");
        ::fcntl(fd_, F_SETFL, O_NONBLOCK);
        loop_.add_handler(
            fd_,
            [](Fd fd, Events) {
                const std::string text = SocketPair::read_all(fd);
                if (!text.empty()) os::send(fd, text);
            },
            Events::read, "client");
        os::send(fd_, "ping");
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client() {
        loop_.remove_handler(fd_);
        os::close(fd_);
    }

private:
    IOLoop& loop_;
    Fd fd_;
};

/// Both ends of each connection are in this process.
std::size_t connections_possible() {
    os::allow_many_descriptors();
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::min<std::size_t>(1000, (limit.rlim_cur - 64) / 2);
}

Duration duration_of_test() {
    const char* seconds = std::getenv("IOLOOP_CLEAN_SECONDS");
    return seconds != nullptr ? std::chrono::seconds(std::atoi(seconds)) : 10s;
}

/// What is quick enough is said of programs that are compiled to be quick.
constexpr int slowness =
#if UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER
    12;
#elif !defined(__OPTIMIZE__)
    5;
#else
    1;
#endif

Linter::Options patience() {
    Linter::Options options;
    options.budget *= slowness;
    options.slow_call *= slowness;
    options.late *= slowness;
    options.starving *= slowness;
    return options;
}

TEST(CleanServer, a_thousand_busy_connections_yield_no_finding) {
    if (traits().bounded_by_fd_setsize) GTEST_SKIP() << "so many it can not watch";
    IOLoop::Options options;
    options.make_current = MakeCurrent::never;
    IOLoop loop(std::move(options));
    Recorder recorder;
    loop.set_observer(&recorder);
    Linter linter(loop, recorder, patience());
    Snapshot snapshot;
    Server server(loop);
    std::vector<std::unique_ptr<Client>> clients;
    PeriodicCallback tick(
        loop, 10ms, [] {}, "tick");
    tick.start();

    const std::size_t wanted = connections_possible();
    RecordProperty("connections", static_cast<int>(wanted));
    const TimePoint end = loop.time() + duration_of_test();
    TimePoint next_look = loop.time();
    while (loop.time() < end) {
        // They arrive over the first seconds.
        for (int i = 0; i < 20 && clients.size() < wanted; ++i)
            clients.push_back(std::make_unique<Client>(loop, server.address));
        loop.run_until(loop.time() + 16ms); // a frame
        if (loop.time() < next_look) continue;
        next_look = loop.time() + 100ms;
        loop.snapshot(snapshot);
        linter.check(snapshot);
        ASSERT_TRUE(linter.findings().empty()) << text_of_all(linter.findings());
    }
    EXPECT_EQ(server.connections(), wanted);
    EXPECT_GT(server.answers, wanted) << "it was busy";
    clients.clear();
}

} // namespace
