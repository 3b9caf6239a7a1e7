// SPDX-License-Identifier: MIT
/// TcpClient: from a name to a connection, over loopback; time is simulated where it matters.
#include "support/os.hpp"
#include "support/sim_loop.hpp"
#include "support/thrown.hpp"

#include <ioloop/net.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Family = SocketAddress::Family;

namespace {

/// Answers with what it is given; with nothing, never.
class FakeResolver final : public Resolver {
public:
    explicit FakeResolver(IOLoop& loop) : Resolver(loop), loop_(loop) {}

    Future<Addresses> resolve(std::string, std::uint16_t, Duration) override {
        Promise<Addresses> promise(loop_);
        promise.on_cancel([cancelled = cancelled_] { ++*cancelled; });
        if (failure != nullptr) {
            promise.set_exception(failure);
        } else if (!answer.empty()) {
            promise.set_value(answer);
        }
        open.push_back(std::move(promise));
        return open.back().future();
    }
    int cancelled() const { return *cancelled_; }

    Addresses answer;
    std::exception_ptr failure;
    std::vector<Promise<Addresses>> open;

private:
    IOLoop& loop_;
    std::shared_ptr<int> cancelled_ = std::make_shared<int>(0);
};

/// Listens, but answers nobody: so many wait already that the system drops who comes.
class BusyListener {
public:
    explicit BusyListener(Family family = Family::ipv4)
        : listener_(Socket::listen(SocketAddress::loopback(0, family), {.backlog = 0})) {
        for (int i = 0; i < 4; ++i) waiting_.push_back(Socket::connect(address()));
    }
    SocketAddress address() const { return listener_.local(); }
    /// Not every system does so.
    bool hangs() const {
        const Socket probe = Socket::connect(address());
        return !os::readable(probe.fd(), 10) && !probe.peer();
    }

private:
    Socket listener_;
    std::vector<Socket> waiting_;
};

struct TcpClients : testing::Test {
    /// A server for both families, if both are here.
    std::uint16_t serve(const char* host) {
        server.listen(host, 0);
        return server.addresses()[0].port();
    }
    void run(const Future<Socket>& future) {
        for (int i = 0; i < 1000 && !future.done(); ++i) loop.run_once(10ms);
        ASSERT_TRUE(future.done());
    }
    void expect_connected(const char* listen_at, Family family, const char* host) {
        const std::uint16_t port = serve(listen_at);
        const auto future = client.connect_socket(host, port, {.family = family});
        run(future);
        const Socket& socket = future.result();
        EXPECT_EQ(socket.peer().port(), port);
        if (family != Family::none) {
            EXPECT_EQ(socket.peer().family(), family);
        }
        EXPECT_FALSE(socket.watched()) << "the caller's to watch";
        for (int i = 0; i < 100 && accepted.empty(); ++i) loop.run_once(10ms);
        ASSERT_THAT(accepted, SizeIs(1));
        EXPECT_EQ(accepted[0].peer(), socket.local());
    }
    static bool has_ipv6() {
        std::error_code error;
        return static_cast<bool>(Socket::listen(SocketAddress::loopback(0, Family::ipv6), {}, error));
    }
    /// A port of loopback on which nobody listens.
    static SocketAddress refusing() { return Socket::listen(SocketAddress::loopback(0)).local(); }

    IOLoop loop;
    std::vector<Socket> accepted;
    TcpServer server{loop,
                     [this](Socket socket, const SocketAddress&) { accepted.push_back(std::move(socket)); }};
    TcpClient client{loop};
};

/// The same in a simulated world.
struct SimTcpClients : SimLoop {
    void pass(Duration time) {
        loop.run_ready();
        const TimePoint end = world.now() + time;
        while (world.now() < end) loop.run_once(end - world.now());
        loop.run_ready();
    }
    FakeResolver resolver{loop};
    TcpClient client{loop, &resolver};
};

} // namespace

// ---- families -----------------------------------------------------------------------------------

TEST_F(TcpClients, connect_gives_a_stream_that_can_be_written_at_once) {
    const std::uint16_t port = serve("127.0.0.1");
    auto future = client.connect("127.0.0.1", port, {.timeout = 5s});
    for (int i = 0; i < 1000 && !future.done(); ++i) loop.run_once(10ms);
    ASSERT_TRUE(future.done());
    TcpStream stream = std::move(future.result());
    EXPECT_EQ(stream.peer().port(), port);
    auto written = stream.write("hello");
    for (int i = 0; i < 1000 && !written.done(); ++i) loop.run_once(10ms);
    EXPECT_TRUE(written.done());
}

TEST_F(TcpClients, a_stream_that_nobody_wants_any_more_is_looked_for_no_longer) {
    FakeResolver resolver(loop);
    TcpClient asking(loop, &resolver);
    auto future = asking.connect("nowhere.invalid", 80, {.timeout = 1s});
    future.cancel();
    loop.run_ready();
    EXPECT_EQ(resolver.cancelled(), 1) << "and nobody goes on looking";
}

TEST_F(TcpClients, test_connect_ipv4_ipv4) { expect_connected("127.0.0.1", Family::ipv4, "127.0.0.1"); }
TEST_F(TcpClients, test_connect_ipv4_dual) { expect_connected("localhost", Family::ipv4, "localhost"); }
TEST_F(TcpClients, test_connect_ipv6_ipv6) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    expect_connected("::1", Family::ipv6, "::1");
}
TEST_F(TcpClients, test_connect_ipv6_dual) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    expect_connected("localhost", Family::ipv6, "localhost");
}
TEST_F(TcpClients, test_connect_unspec_ipv4) { expect_connected("127.0.0.1", Family::none, "localhost"); }
TEST_F(TcpClients, test_connect_unspec_ipv6) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    expect_connected("::1", Family::none, "localhost");
}
TEST_F(TcpClients, test_connect_unspec_dual) { expect_connected("localhost", Family::none, "localhost"); }

TEST_F(TcpClients, a_host_without_an_address_of_the_family_is_an_error) {
    const auto future = client.connect_socket("127.0.0.1", 1, {.family = Family::ipv6});
    run(future);
    EXPECT_THAT(thrown<std::system_error>([&] { static_cast<void>(future.result()); }),
                HasSubstr("connecting to 127.0.0.1:1"));
}

// ---- errors -------------------------------------------------------------------------------------

TEST_F(TcpClients, test_refused_ipv4_says_so_and_where) {
    const std::uint16_t port = refusing().port();
    const auto future = client.connect_socket("127.0.0.1", port);
    run(future);
    try {
        static_cast<void>(future.result());
        FAIL();
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::connection_refused);
        EXPECT_THAT(error.what(), HasSubstr("connecting to 127.0.0.1:" + std::to_string(port)));
    }
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(TcpClients, a_family_that_refuses_costs_nothing) {
    const std::uint16_t port = serve("127.0.0.1");
    FakeResolver resolver(loop);
    resolver.answer = {SocketAddress::loopback(port, Family::ipv6), SocketAddress::loopback(port)};
    TcpClient with_fake(loop, &resolver);
    const auto future = with_fake.connect_socket("both.example", port, {.stagger = 1h});
    run(future);
    EXPECT_EQ(future.result().peer(), SocketAddress::loopback(port));
}

TEST_F(TcpClients, an_address_that_does_not_answer_costs_the_stagger_and_its_socket_is_closed) {
    const BusyListener busy;
    if (!busy.hangs()) GTEST_SKIP() << "this system answers for a listener that is busy";
    const std::uint16_t port = serve("127.0.0.1");
    FakeResolver resolver(loop);
    resolver.answer = {busy.address(), SocketAddress::loopback(port)};
    TcpClient with_fake(loop, &resolver);
    const auto before = os::open_descriptors().size();
    {
        const auto future = with_fake.connect_socket("slow.example", port, {.stagger = 5ms});
        run(future);
        EXPECT_EQ(future.result().peer(), SocketAddress::loopback(port));
        for (int i = 0; i < 100 && accepted.empty(); ++i) loop.run_once(10ms);
        accepted.clear();
    }
    EXPECT_EQ(os::open_descriptors().size(), before);
}

TEST_F(TcpClients, test_source_ip_fail) {
    const std::uint16_t port = serve("127.0.0.1");
    const auto future =
        client.connect_socket("127.0.0.1", port, {.source = SocketAddress::numeric("192.0.2.1", 0)});
    run(future);
    try {
        static_cast<void>(future.result());
        FAIL() << "192.0.2.1 is nobody's";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::errc::address_not_available);
    }
}

TEST_F(TcpClients, test_source_ip_success_and_only_its_family_is_tried) {
    const std::uint16_t port = serve("localhost");
    const auto future = client.connect_socket("localhost", port, {.source = SocketAddress::loopback(0)});
    run(future);
    EXPECT_EQ(future.result().local().host(), "127.0.0.1");
}

TEST_F(TcpClients, test_source_port_fail) {
    const std::uint16_t port = serve("127.0.0.1");
    const Socket taken = Socket::listen(SocketAddress::loopback(0));
    const auto future = client.connect_socket("127.0.0.1", port, {.source = taken.local()});
    run(future);
    EXPECT_THROW(static_cast<void>(future.result()), std::system_error);
}

TEST_F(TcpClients, test_source_port_success) {
    const std::uint16_t port = serve("127.0.0.1");
    const SocketAddress source = refusing(); // free, most likely
    const auto future = client.connect_socket("127.0.0.1", port, {.source = source});
    run(future);
    EXPECT_EQ(future.result().local(), source);
}

TEST_F(SimTcpClients, an_error_of_the_resolver_is_passed_on) {
    resolver.failure = std::make_exception_ptr(std::domain_error("no such host"));
    const auto future = client.connect_socket("nobody.example", 80);
    pass(0s);
    ASSERT_TRUE(future.done());
    EXPECT_EQ(thrown<std::domain_error>([&] { static_cast<void>(future.result()); }), "no such host");
}

TEST_F(SimTcpClients, an_answer_without_addresses_is_an_error_and_no_crash) {
    resolver.open.reserve(1);
    const auto future = client.connect_socket("empty.example", 80);
    resolver.open[0].set_value(Resolver::Addresses{});
    pass(0s);
    ASSERT_TRUE(future.done());
    EXPECT_THROW(static_cast<void>(future.result()), std::system_error);
}

// ---- the deadline -------------------------------------------------------------------------------

TEST_F(SimTcpClients, test_connect_timeout_covers_a_resolver_that_never_answers) {
    const auto future = client.connect_socket("slow.example", 80, {.timeout = 100ms});
    pass(99ms);
    EXPECT_FALSE(future.done());
    pass(1ms);
    ASSERT_TRUE(future.done());
    EXPECT_EQ(thrown<TimeoutError>([&] { static_cast<void>(future.result()); }),
              "connecting to slow.example:80: the time is up");
    EXPECT_EQ(resolver.cancelled(), 1);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(SimTcpClients, one_deadline_covers_the_resolver_and_the_connection) {
    const BusyListener busy;
    if (!busy.hangs()) GTEST_SKIP() << "this system answers for a listener that is busy";
    const auto future = client.connect_socket("slow.example", 80, {.timeout = 100ms});
    pass(60ms);
    resolver.open[0].set_value(Resolver::Addresses{busy.address()});
    pass(39ms);
    EXPECT_FALSE(future.done());
    pass(1ms);
    ASSERT_TRUE(future.done()) << "40 ms were left";
    EXPECT_THROW(static_cast<void>(future.result()), TimeoutError);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(SimTcpClients, without_a_timeout_it_waits) {
    const auto future = client.connect_socket("slow.example", 80);
    pass(24h);
    EXPECT_FALSE(future.done());
    future.cancel();
}

// ---- lifetimes ----------------------------------------------------------------------------------

TEST_F(SimTcpClients, cancelled_while_it_resolves_it_cancels_the_resolver) {
    for (const bool begun : {true, false}) {
        const int before = resolver.cancelled();
        const auto future = client.connect_socket("slow.example", 80, {.timeout = 1h});
        if (begun) pass(1ms);
        EXPECT_TRUE(future.cancel());
        pass(0s);
        EXPECT_EQ(resolver.cancelled(), before + 1);
        EXPECT_EQ(loop.next_deadline(), never);
    }
}

TEST_F(SimTcpClients, cancelled_while_it_connects_it_closes_its_sockets) {
    const BusyListener busy;
    if (!busy.hangs()) GTEST_SKIP() << "this system answers for a listener that is busy";
    resolver.answer = {busy.address(), busy.address()};
    const auto before = os::open_descriptors().size();
    const auto future = client.connect_socket("slow.example", 80, {.timeout = 1h});
    pass(1s);
    EXPECT_EQ(os::open_descriptors().size(), before + 2);
    future.cancel();
    EXPECT_EQ(os::open_descriptors().size(), before) << "at once";
    pass(0s);
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_THAT(reported, IsEmpty()) << "it is what somebody wanted";
}

TEST_F(SimTcpClients, may_be_cancelled_by_another_thread) {
    const auto future = client.connect_socket("slow.example", 80, {.timeout = 1h});
    pass(1ms);
    std::thread([&] { future.cancel(); }).join();
    pass(0s);
    EXPECT_EQ(resolver.cancelled(), 1);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(TcpClients, the_client_may_be_gone_before_the_connection_is_there) {
    const std::uint16_t port = serve("127.0.0.1");
    const auto future = TcpClient(loop).connect_socket("127.0.0.1", port);
    run(future);
    EXPECT_TRUE(future.result());
}

TEST_F(TcpClients, a_connection_that_nobody_asks_for_is_closed) {
    const std::uint16_t port = serve("127.0.0.1");
    static_cast<void>(client.connect_socket("127.0.0.1", port));
    for (int i = 0; i < 1000 && accepted.empty(); ++i) loop.run_once(10ms);
    ASSERT_THAT(accepted, SizeIs(1));
    for (int i = 0; i < 1000 && !os::readable(accepted[0].fd()); ++i) loop.run_once(1ms);
    std::array<std::uint8_t, 1> byte{};
    std::error_code error;
    EXPECT_EQ(accepted[0].receive(byte, error), 0U);
    EXPECT_FALSE(error) << "an orderly end";
}

TEST_F(SimTcpClients, the_loop_may_be_closed_first_and_nothing_stays_open) {
    const BusyListener busy;
    if (!busy.hangs()) GTEST_SKIP() << "this system answers for a listener that is busy";
    const auto before = os::open_descriptors();
    const auto resolving = client.connect_socket("slow.example", 80, {.timeout = 1h});
    resolver.answer = {busy.address()};
    const auto connecting = client.connect_socket("busy.example", 80, {.timeout = 1h});
    pass(1s);
    loop.close();
    EXPECT_THROW(static_cast<void>(resolving.result()), CancelledError);
    EXPECT_THROW(static_cast<void>(connecting.result()), CancelledError);
    for (const Fd fd : os::open_descriptors()) EXPECT_TRUE(before.count(fd) == 1) << fd;
}

TEST_F(TcpClients, is_awaited_in_a_task_and_gives_the_socket_away) {
    const std::uint16_t port = serve("localhost");
    const Socket socket = loop.run_sync([&]() -> Task<Socket> {
        co_return co_await client.connect_socket("localhost", port, {.timeout = 10s});
    });
    EXPECT_EQ(socket.peer().port(), port);
}

TEST_F(TcpClients, connects_to_unix_sockets_by_their_path) {
    const std::string name = "unix:@ioloop test " + std::to_string(refusing().port());
    std::error_code error;
    server.listen(name, 0, error);
    if (error) GTEST_SKIP() << "no unix sockets without files here: " << error.message();
    const auto future = client.connect_socket(name, 0);
    run(future);
    EXPECT_EQ(future.result().peer().to_string(), name);
    const auto missing = client.connect_socket("unix:/does/not/exist", 0);
    run(missing);
    EXPECT_THAT(thrown<std::system_error>([&] { static_cast<void>(missing.result()); }),
                HasSubstr("connecting to unix:/does/not/exist: "));
}
