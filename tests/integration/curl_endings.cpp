// SPDX-License-Identifier: MIT
/// ioloop::curl with servers that are slow, gone or mad, and with users who have enough. Each time nothing may be left:
/// the fixture looks.
#include "support/http.hpp"

#include <ioloop/net.hpp>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace ioloop;
using namespace std::chrono_literals;
using curl::Progress;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Endings : Http {
    /// Says this to everybody who connects, whatever they ask; with a «!» at its end that is all, else more may come.
    void answer_with(std::string text) {
        const auto keep = [this, text = std::move(text)](Socket socket, const SocketAddress&) {
            std::error_code error;
            socket.send({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, error);
            if (text.back() == '!') socket.shut_down_sending(error);
            connections.push_back(std::move(socket));
        };
        server = std::make_unique<TcpServer>(loop, keep);
        server->listen(SocketAddress::loopback(0));
        address = server->addresses().front();
    }
    void TearDown() override {
        run_until([&] { return client == nullptr || client->transfers() == 0; });
        client.reset();
        server.reset();
        connections.clear();
        Http::TearDown();
    }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(address.port()) + "/"; }

    static constexpr auto* half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it";
    std::unique_ptr<TcpServer> server;
    std::vector<Socket> connections;
    SocketAddress address;
};

/// So many bytes of zero, 258 in 13 bits, as HTTP's «deflate» (RFC 1950 and 1951).
std::string deflated_zeros(std::size_t size) {
    std::string out = "\x78\x01";
    std::uint32_t bits = 0;
    int count = 0;
    const auto put = [&](std::uint32_t value, int length) { // a code's first bit first
        for (int i = length; i-- > 0;) {
            bits |= (value >> i & 1U) << count;
            if (++count == 8) out += static_cast<char>(std::exchange(bits, count = 0));
        }
    };
    put(0b110, 3);      // the last block, with the fixed codes
    put(0b00110000, 8); // a zero
    for (std::size_t left = size - 1; left >= 258; left -= 258) put(0b11000101'00000, 13); // and from there
    for (std::size_t left = (size - 1) % 258; left > 0; --left) put(0b00110000, 8);
    put(0, 7); // the end
    while (count > 0) put(0, 1);
    const std::uint32_t sum = static_cast<std::uint32_t>(size % 65521) << 16U | 1U; // Adler-32
    for (const int shift : {24, 16, 8, 0}) out += static_cast<char>(sum >> shift & 0xffU);
    return out;
}

std::string encoded_answer(const std::string& header, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + header + "\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

TEST_F(Endings, what_a_small_answer_decodes_to_is_taken_at_once) {
    answer_with(encoded_answer("Content-Encoding: deflate", deflated_zeros(8'000'000)));
    int calls = 0;
    const auto future = client->request({.url = url()}, [&](Progress) { ++calls; });
    EXPECT_EQ(answer(future).body, std::string(8'000'000, '\0'));
    EXPECT_LT(calls, 15) << "in portions it is kept, and copied each time, by curl";
}

TEST_F(Endings, an_answer_that_decodes_to_too_much_is_an_error) {
    answer_with(encoded_answer("content-encoding: deflate", deflated_zeros(20'000'000)));
    EXPECT_EQ(failure(client->get(url())), curl_error(CURLE_FILESIZE_EXCEEDED));
}

TEST_F(Endings, a_transfer_that_is_compressed_though_nobody_has_asked_for_that_is_an_error) {
    answer_with(encoded_answer("Transfer-Encoding: deflate", deflated_zeros(1'000)) + "!");
    EXPECT_EQ(failure(client->get(url())), curl_error(CURLE_BAD_CONTENT_ENCODING));
    EXPECT_EQ(failure(client->download(url(), file("zeros"))), curl_error(CURLE_BAD_CONTENT_ENCODING));
}

TEST_F(Endings, who_is_refused_is_told) {
    Socket listener = Socket::listen(SocketAddress::loopback(0));
    address = listener.local();
    listener.close();
    EXPECT_EQ(failure(client->get(url())), curl_error(CURLE_COULDNT_CONNECT));
    EXPECT_THAT(what, HasSubstr("GET " + url()));
}

TEST_F(Endings, what_is_not_http_is_an_error) {
    answer_with("220 nonsense, and more of it\r\n\r\n!");
    EXPECT_EQ(failure(client->get(url())), curl_error(CURLE_UNSUPPORTED_PROTOCOL));
}

TEST_F(Endings, an_answer_that_stops_in_the_middle_is_an_error) {
    answer_with(std::string(half) + "!");
    EXPECT_EQ(failure(client->get(url())), curl_error(CURLE_PARTIAL_FILE));
    EXPECT_EQ(failure(client->download(url(), file("part"))), curl_error(CURLE_PARTIAL_FILE));
    EXPECT_THAT(names_in(folder.path), IsEmpty());
}

TEST_F(Endings, headers_without_end_are_an_error) {
    std::string text = "HTTP/1.1 200 OK\r\n";
    while (text.size() < 400'000) text.append("X: ").append(1000, 'x').append("\r\n");
    answer_with(text);
    EXPECT_EQ(failure(client->get(url())), curl_error(CURLE_FILESIZE_EXCEEDED));
}

TEST_F(Endings, a_body_that_is_too_long_is_an_error_wherever_a_portion_has_ended) {
    answer_with("HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + std::string(90'000, 'x'));
    for (std::uint64_t most = 60'000; most < 90'000; most += 2'500) {
        EXPECT_EQ(failure(client->request({.url = url(), .timeout = 5s, .max_body = most})),
                  curl_error(CURLE_FILESIZE_EXCEEDED))
            << most;
    }
}

TEST_F(Endings, a_slow_server_ends_in_a_timeout) {
    answer_with(half);
    const auto started = std::chrono::steady_clock::now();
    EXPECT_EQ(failure(client->request({.url = url(), .timeout = 50ms})), std::errc::timed_out);
    EXPECT_GE(std::chrono::steady_clock::now() - started, 50ms);
    EXPECT_THAT(what, HasSubstr("the time is up"));
    EXPECT_THROW(answer(client->download(url(), file("part"), nullptr, 50ms)), TimeoutError);
    EXPECT_THAT(names_in(folder.path), IsEmpty());
}

TEST_F(Endings, a_server_that_says_nothing_for_long_ends_in_a_timeout_too) {
    answer_with(half);
    EXPECT_EQ(failure(client->request({.url = url(), .timeout = forever, .quiet = 50ms})),
              std::errc::timed_out);
}

TEST_F(Endings, a_cancelled_transfer_leaves_nothing) {
    answer_with(half);
    int calls = 0;
    const auto future = client->download(url(), file("part"), [&](Progress) { ++calls; });
    run_until([&] { return calls > 0; });
    EXPECT_THAT(names_in(folder.path), ElementsAre("part.0.part"));
    EXPECT_TRUE(future.cancel());
    EXPECT_THAT(names_in(folder.path), IsEmpty());
    EXPECT_EQ(client->transfers(), 0U);
    EXPECT_EQ(failure(future), std::errc::operation_canceled);
    EXPECT_EQ(calls, 1);
}

TEST_F(Endings, a_transfer_may_be_cancelled_before_it_has_begun) {
    answer_with(half);
    const auto future = client->get(url());
    future.cancel();
    EXPECT_EQ(client->transfers(), 0U);
    loop.run_ready(Budget{10ms});
    EXPECT_THAT(connections, IsEmpty());
}

TEST_F(Endings, a_transfer_may_be_cancelled_by_another_thread) {
    answer_with(half);
    const auto future = client->get(url());
    run_until([&] { return !connections.empty(); });
    std::thread([&] { future.cancel(); }).join();
    run_until([&] { return client->transfers() == 0; });
    EXPECT_EQ(failure(future), std::errc::operation_canceled);
}

TEST_F(Endings, a_transfer_may_be_cancelled_within_its_own_progress) {
    answer_with(half);
    Future<Response> future;
    int calls = 0;
    future = client->download(url(), file("part"), [&](Progress p) {
        ++calls;
        EXPECT_EQ(p.total, 1000U);
        future.cancel();
    });
    EXPECT_EQ(failure(future), std::errc::operation_canceled);
    EXPECT_EQ(calls, 1);
    future = {};
}

TEST_F(Endings, the_client_may_be_destroyed_within_progress_and_cancels_all) {
    answer_with(half);
    const auto other = client->get(url());
    const auto future = client->download(url(), file("part"), [&](Progress) { client.reset(); });
    EXPECT_EQ(failure(future), std::errc::operation_canceled);
    EXPECT_EQ(failure(other), std::errc::operation_canceled);
    EXPECT_THAT(names_in(folder.path), IsEmpty());
}

TEST_F(Endings, the_client_may_be_destroyed_by_who_gets_the_result) {
    answer_with("HTTP/1.1 204 No Content\r\n\r\n");
    bool called = false;
    loop.add_future(client->get(url()), [&](const Future<Response>& f) {
        EXPECT_EQ(f.result().status, 204);
        client.reset();
        called = true;
    });
    run_until([&] { return called; });
}

TEST_F(Endings, what_a_callable_holds_may_destroy_the_client_when_it_goes) {
    answer_with("HTTP/1.1 204 No Content\r\n\r\n");
    std::shared_ptr<void> guard(nullptr, [&](void*) { client.reset(); });
    const auto future = client->download(url(), file("empty"), [guard](Progress) {});
    guard.reset();
    EXPECT_EQ(answer(future).status, 204);
    run_until([&] { return client == nullptr; });
}

TEST_F(Endings, an_exception_of_progress_goes_to_the_error_hook) {
    answer_with("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour");
    int errors = 0;
    loop.set_error_hook([&](const std::exception_ptr&, const Origin&, CallKind) { ++errors; });
    answer(client->download(url(), file("four"), [](Progress) { throw std::runtime_error("no"); }));
    EXPECT_EQ(errors, 1);
}

TEST_F(Endings, the_loop_may_be_closed_first) {
    auto own = std::make_unique<IOLoop>(IOLoop::Options{.make_current = MakeCurrent::never});
    auto http = std::make_unique<curl::HttpClient>(*own);
    const auto future = http->get("http://127.0.0.1:1/");
    own->run_once();
    own->close();
    EXPECT_THROW(http->get("http://127.0.0.1:1/"), std::logic_error);
    own.reset();
    http.reset();
}

TEST_F(Endings, what_would_become_a_line_of_its_own_is_refused) {
    const auto refused = [&](curl::Request request) {
        return failure(client->request(std::move(request))) == std::errc::invalid_argument;
    };
    const std::string there = "http://127.0.0.1:1/";
    EXPECT_TRUE(refused({.url = there, .method = "GET / HTTP/1.1\r\nX:"}));
    EXPECT_TRUE(refused({.url = there, .method = ""}));
    EXPECT_TRUE(refused({.url = there, .headers = {{"X", "a\r\nY: b"}}}));
    EXPECT_TRUE(refused({.url = there, .headers = {{"X: a\r\nY", "b"}}}));
    EXPECT_TRUE(refused({.url = std::string("http://a\0b/", 11)}));
    EXPECT_EQ(failure(client->get("http://a b/")), curl_error(CURLE_URL_MALFORMAT));
    EXPECT_EQ(failure(client->get("")), curl_error(CURLE_URL_MALFORMAT));
    EXPECT_EQ(client->transfers(), 0U);
}

TEST_F(Endings, a_client_has_at_least_one_connection) {
    EXPECT_THROW(make_client({.max_connections = 0}), std::invalid_argument);
}
