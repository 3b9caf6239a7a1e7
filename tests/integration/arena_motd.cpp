// SPDX-License-Identifier: MIT
/// The message of the day: the server's page, what it does about strangers, and how the client reads it. Loopback, real
/// time; what would take seconds is given less patience.
#include "client.hpp"
#include "motd.hpp"
#include "motd_page.hpp"
#include "server.hpp"
#include "support/sockets.hpp"

#include <ioloop/curl.hpp>
#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>

using namespace arena;
using namespace std::chrono_literals;
using ioloop::SocketAddress;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

namespace {

class ArenaMotd : public testing::Test {
protected:
    ArenaMotd() { before = os::open_descriptors(); }
    ~ArenaMotd() override {
        motd.reset();
        http.reset();
        page.reset();
        EXPECT_EQ(loop.statistics().handlers, 0U);
        EXPECT_EQ(loop.statistics().timeouts, 0U);
        EXPECT_EQ(os::open_descriptors(), before);
    }

    void serve_text(const std::string& text) { serve({.text = text}); }
    void serve(MotdPage::Options options) { page.emplace(loop, std::move(options)); }

    bool eventually(const std::function<bool()>& predicate, ioloop::Duration limit = 20s) {
        const ioloop::TimePoint end = loop.time() + limit;
        while (!predicate() && loop.time() < end) loop.run_once(10ms);
        return predicate();
    }

    ioloop::curl::Response get(const std::string& path) {
        if (!http) http.emplace(loop);
        const auto answer =
            http->request({.url = "http://" + page->address().to_string() + path, .proxies = false});
        EXPECT_TRUE(eventually([&] { return answer.done(); }));
        return answer.result();
    }
    /// All that comes for these bytes, until the page hangs up.
    std::string say(const std::string& bytes) {
        auto stream = ioloop::TcpStream::connect(loop, page->address());
        const auto answer = stream.read_until_close();
        if (!bytes.empty()) stream.write(bytes);
        EXPECT_TRUE(eventually([&] { return answer.done(); })) << "it does not hang up";
        try {
            return answer.result();
        } catch (const ioloop::StreamClosed& error) {
            return std::string("broken: ") + error.what();
        }
    }

    /// Asks as the game does, and waits for what comes of it.
    const Motd::View& ask(Motd::Options options = {}) {
        ask_at(page->address().to_string(), page->port(), options);
        eventually([&] { return !motd->view().loading; });
        return motd->view();
    }
    void ask_at(const std::string& server, std::uint16_t port, Motd::Options options = {}) {
        if (!motd) {
            motd.emplace(
                loop, [this](const std::string& line) { log.push_back(line); }, options);
        }
        motd->ask(server, port);
    }

    ioloop::IOLoop loop;
    std::optional<MotdPage> page;
    std::optional<ioloop::curl::HttpClient> http;
    std::optional<Motd> motd;
    std::vector<std::string> log;
    decltype(os::open_descriptors()) before;
};

} // namespace

// ---- the page -----------------------------------------------------------------------------------

TEST_F(ArenaMotd, a_real_client_gets_the_page_and_nothing_else) {
    serve_text("good day\n");
    const auto response = get("/motd");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "good day\n");
    EXPECT_EQ(*ioloop::curl::find(response.headers, "content-type"), "text/plain; charset=utf-8");
    EXPECT_EQ(*ioloop::curl::find(response.headers, "connection"), "close");
    EXPECT_EQ(get("/").status, 404);
    EXPECT_EQ(get("/../etc/passwd").status, 404);
    EXPECT_EQ(page->counters().served, 1U);
    EXPECT_EQ(page->counters().refused, 2U);
}

TEST_F(ArenaMotd, other_methods_are_not_allowed) {
    serve_text("good day");
    EXPECT_THAT(say("POST /motd HTTP/1.1\r\nContent-Length: 3\r\n\r\na=1"),
                StartsWith("HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n"));
    EXPECT_THAT(say("DELETE /motd HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
}

TEST_F(ArenaMotd, garbage_is_a_bad_request) {
    serve_text("good day");
    for (const std::string garbage :
         {"hello\r\n\r\n", "\r\n\r\n", "GET\r\n\r\n", "GET /motd\r\n\r\n", "GET motd HTTP/1.1\r\n\r\n",
          "get /motd HTTP/1.1\r\n\r\n", "GET /motd HTTP/2\r\n\r\n", "GET /motd HTTP/1.1 \r\n\r\n",
          "GET  /motd HTTP/1.1\r\n\r\n", " GET /motd HTTP/1.1\r\n\r\n", "GET /motd HTTP/1.1\r\nhost\r\n\r\n",
          "GET /motd HTTP/1.1\r\n: none\r\n\r\n", "GET /motd HTTP/1.1\r\nhost: \x01\r\n\r\n",
          "\x16\x03\x01\x02\r\n\r\n"}) {
        EXPECT_THAT(say(garbage), StartsWith("HTTP/1.1 400 Bad Request\r\n")) << garbage;
    }
    EXPECT_THAT(say(std::string("GET /motd HTTP/1.1\r\nhost: \0\r\n\r\n", 31)), StartsWith("HTTP/1.1 400 "));
    EXPECT_EQ(page->counters().served, 0U);
    EXPECT_EQ(get("/motd").status, 200) << "and it serves on";
}

TEST_F(ArenaMotd, a_header_may_have_8_KiB_and_no_more) {
    serve_text("good day");
    const std::string before_it = "GET /motd HTTP/1.1\r\nx: ";
    const std::string fits(8192 - before_it.size() - 4, 'x');
    EXPECT_THAT(say(before_it + fits + "\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
    EXPECT_THAT(say(before_it + fits + "x\r\n\r\n"), testing::Not(HasSubstr("HTTP/1.1")));
    EXPECT_THAT(say(before_it + std::string(1'000'000, 'x')), testing::Not(HasSubstr("HTTP/1.1")));
}

TEST_F(ArenaMotd, a_second_request_on_the_connection_is_not_answered) {
    serve_text("good day");
    const std::string once = say("GET /motd HTTP/1.1\r\n\r\nGET /motd HTTP/1.1\r\n\r\n");
    EXPECT_THAT(once, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(once.find("HTTP/1.1", 1), std::string::npos);
    EXPECT_EQ(page->counters().served, 1U);
}

TEST_F(ArenaMotd, who_says_that_he_will_say_no_more_is_answered) {
    serve_text("good day");
    auto stream = ioloop::TcpStream::connect(loop, page->address(), {.half_open = true});
    stream.write("GET /motd HTTP/1.0\r\n\r\n");
    stream.finish();
    const auto answer = stream.read_until_close();
    EXPECT_TRUE(eventually([&] { return answer.done(); }));
    EXPECT_THAT(answer.result(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ArenaMotd, the_silent_and_those_who_do_not_read_are_hung_up_on) {
    serve({.text = std::string(longest_motd, 'x'), .patience = 100ms, .most_visitors = 2});
    EXPECT_EQ(say(""), "") << "says nothing";
    EXPECT_EQ(say("GET /motd HTTP/1.1\r\n"), "") << "and he does not end";

    // Reads nothing, and has little room for what it does not read.
    std::vector<ioloop::Socket> deaf;
    for (int i = 0; i < 2; ++i) {
        deaf.push_back(ioloop::Socket::connect(page->address()));
        deaf.back().set_buffer_sizes(4096, 0);
    }
    std::error_code error;
    const auto sent = [&](ioloop::Socket& socket) {
        return socket.send(bytes("GET /motd HTTP/1.1\r\n\r\n"), error) > 0;
    };
    for (auto& socket : deaf) EXPECT_TRUE(eventually([&] { return sent(socket); }));
    EXPECT_TRUE(eventually([&] { return page->counters().served == 2; }));
    EXPECT_TRUE(eventually([&] { return loop.statistics().handlers == 1; })) << "only the listener is left";
    EXPECT_EQ(get("/motd").body.size(), longest_motd);
}

TEST_F(ArenaMotd, more_visitors_than_there_is_room_for_are_turned_away) {
    serve({.text = "good day", .most_visitors = 2});
    std::vector<ioloop::TcpStream> silent;
    for (int i = 0; i < 2; ++i) silent.push_back(ioloop::TcpStream::connect(loop, page->address()));
    EXPECT_TRUE(eventually([&] { return loop.statistics().handlers == 5; }))
        << "two ends each, and the listener";
    EXPECT_THAT(say("GET /motd HTTP/1.1\r\n\r\n"), testing::Not(HasSubstr("200")));
    EXPECT_EQ(page->counters().turned_away, 1U);
    silent.clear();
    EXPECT_TRUE(eventually([&] { return loop.statistics().handlers == 1; }));
    EXPECT_EQ(get("/motd").status, 200);
}

TEST_F(ArenaMotd, a_page_that_goes_takes_its_visitors_along) {
    serve({.text = std::string(10'000, 'x'), .bytes_per_second = 1000});
    auto stream = ioloop::TcpStream::connect(loop, page->address());
    stream.write("GET /motd HTTP/1.1\r\n\r\n");
    const auto some = stream.read_some(100);
    EXPECT_TRUE(eventually([&] { return some.done(); }));
    page.reset();
    const auto rest = stream.read_until_close();
    EXPECT_TRUE(eventually([&] { return rest.done(); }));
}

TEST_F(ArenaMotd, a_text_that_is_too_long_is_refused_at_once) {
    EXPECT_THROW(serve_text(std::string(longest_motd + 1, 'x')), std::invalid_argument);
    serve_text(std::string(longest_motd, 'x'));
    EXPECT_EQ(get("/motd").body.size(), longest_motd);
}

// ---- the client ---------------------------------------------------------------------------------

TEST_F(ArenaMotd, the_client_shows_the_text) {
    serve_text("good day\n\n  all\n");
    const Motd::View& view = ask();
    EXPECT_EQ(view.text, "good day\n\n  all");
    EXPECT_FALSE(view.loading);
    EXPECT_THAT(log, IsEmpty());
    EXPECT_EQ(view.until, ioloop::never);
    motd->dismiss();
    EXPECT_LE(view.until, loop.time());
}

TEST_F(ArenaMotd, it_asks_once_for_each_server) {
    serve_text("good day");
    ask();
    ask();
    EXPECT_EQ(page->counters().served, 1U);
    ask_at("127.0.0.1:1", 0);
    EXPECT_EQ(motd->view().text, "") << "another server, and it has none";
    EXPECT_FALSE(motd->view().loading);
    EXPECT_EQ(ask().text, "good day");
    EXPECT_EQ(page->counters().served, 2U);
}

TEST_F(ArenaMotd, a_slow_page_is_seen_coming) {
    serve({.text = std::string(2000, 'x'), .bytes_per_second = 4000});
    ask_at(page->address().to_string(), page->port());
    std::vector<std::uint64_t> seen{0};
    EXPECT_TRUE(eventually([&] {
        if (motd->view().done != seen.back()) seen.push_back(motd->view().done);
        return !motd->view().loading;
    }));
    EXPECT_GT(seen.size(), 4U);
    EXPECT_EQ(seen.back(), 2000U);
    EXPECT_EQ(motd->view().total, 2000U);
    EXPECT_EQ(motd->view().text, std::string(2000, 'x'));
}

TEST_F(ArenaMotd, what_is_no_text_is_left_out) {
    serve_text(std::string("a\x1b[31mb\r\n\tc\x7f\0d \xc2\x9b"
                           "e \xc3\xa4",
                           22));
    EXPECT_EQ(ask().text, "a[31mb\n    cd e \xc3\xa4");
}

TEST_F(ArenaMotd, a_long_text_is_cut_between_two_characters) {
    serve_text("abc\xc3\xa4\xc3\xa4");
    EXPECT_EQ(ask({.longest_shown = 4}).text, "abc ...");
}

TEST_F(ArenaMotd, every_failure_is_a_line_in_the_log_and_nothing_else) {
    const auto fails = [&](const std::string& answer) {
        ioloop::TcpServer server(loop, [&](ioloop::Socket socket, const SocketAddress&) {
            ioloop::spawn(loop, [](ioloop::TcpStream stream, std::string text) -> ioloop::Task<> {
                co_await stream.read_until("\r\n\r\n");
                co_await stream.write(text);
                stream.finish();
            }({loop, std::move(socket)}, answer));
        });
        server.listen("127.0.0.1", 0);
        log.clear();
        motd.reset();
        ask_at(server.addresses().front().to_string(), server.addresses().front().port(), {.timeout = 10s});
        EXPECT_TRUE(eventually([&] { return !motd->view().loading; }));
        EXPECT_EQ(motd->view().text, "");
        EXPECT_THAT(log, ElementsAre(StartsWith("no message of the day: "))) << answer;
    };
    fails("");
    fails("garbage\r\n\r\n");
    fails("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno");
    fails("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(log, ElementsAre(HasSubstr("status 302"))) << "it goes nowhere else";
    fails("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno");
    fails("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    fails("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 65537\r\n\r\n" +
          std::string(65'537, 'x'));
    fails("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf");
}

TEST_F(ArenaMotd, a_page_that_never_ends_is_given_up) {
    serve({.text = std::string(10'000, 'x'), .bytes_per_second = 1000});
    EXPECT_EQ(ask({.timeout = 200ms}).text, "");
    EXPECT_THAT(log, ElementsAre(HasSubstr("the time is up")));
}

TEST_F(ArenaMotd, a_client_that_goes_while_it_loads_says_nothing) {
    serve({.text = std::string(10'000, 'x'), .bytes_per_second = 1000});
    ask_at(page->address().to_string(), page->port());
    EXPECT_TRUE(eventually([&] { return motd->view().done > 0; }));
    motd.reset();
    EXPECT_TRUE(eventually([&] { return loop.statistics().handlers == 1; })) << "only the listener is left";
    EXPECT_THAT(log, IsEmpty());
}

// ---- the game -----------------------------------------------------------------------------------

namespace {

std::unique_ptr<Client> player(ioloop::IOLoop& loop, const Server& server) {
    Link::Options link;
    link.host = server.address().host();
    link.port = server.address().port();
    auto client = std::make_unique<Client>(loop, link, [](const std::string&) {});
    client->start();
    return client;
}

} // namespace

TEST_F(ArenaMotd, who_joins_is_told_where_the_page_is) {
    serve_text("good day");
    Server::Options options;
    options.motd_port = page->port();
    const Server server(loop, options);
    const auto ada = player(loop, server);
    ASSERT_TRUE(eventually([&] { return ada->link().joined(); }));
    EXPECT_EQ(ada->motd_port(), page->port());
    ask_at(ada->link().server(), ada->motd_port());
    EXPECT_TRUE(eventually([&] { return motd->view().text == "good day"; }));
}

TEST_F(ArenaMotd, a_game_without_a_page_is_played_as_ever) {
    const Server server(loop, Server::Options());
    const auto ada = player(loop, server);
    ASSERT_TRUE(eventually([&] { return ada->link().joined(); }));
    EXPECT_EQ(ada->motd_port(), 0);
    ask_at(ada->link().server(), ada->motd_port());
    EXPECT_FALSE(motd->view().loading);
    EXPECT_TRUE(eventually([&] { return ada->sight().snapshots() > 10; }));
    EXPECT_THAT(log, IsEmpty());
}
