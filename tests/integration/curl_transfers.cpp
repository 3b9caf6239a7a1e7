// SPDX-License-Identifier: MIT
/// ioloop::curl against a real server: what comes back, and over which connections.
#include "support/http.hpp"
#include "support/nginx.hpp"

#include <cstdlib>

using namespace ioloop;
using namespace std::chrono_literals;
using curl::Progress;
using curl::Request;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

struct Transfers : Http {
    void SetUp() override {
        server.serve("hello.txt", "hello");
        Http::SetUp();
    }
    std::string url(const std::string& path) const { return server.url(path); }

    Nginx server;
};

TEST_F(Transfers, get_gives_status_headers_body_and_url) {
    const auto response = answer(client->get(url("/hello.txt")));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.url, url("/hello.txt"));
    ASSERT_NE(curl::find(response.headers, "content-length"), nullptr);
    EXPECT_EQ(*curl::find(response.headers, "CONTENT-LENGTH"), "5");
    EXPECT_EQ(curl::find(response.headers, "content"), nullptr);
}

TEST_F(Transfers, an_answer_is_never_given_within_the_request) {
    const auto future = client->get(url("/hello.txt"));
    EXPECT_FALSE(future.done());
    EXPECT_EQ(client->transfers(), 1U);
    answer(future);
    EXPECT_EQ(client->transfers(), 0U);
}

TEST_F(Transfers, status_404_is_an_answer_to_get_and_an_error_of_download) {
    EXPECT_EQ(answer(client->get(url("/nothing"))).status, 404);
    write(file("kept"), "what was there");
    EXPECT_EQ(failure(client->download(url("/nothing"), file("kept"))),
              curl_error(CURLE_HTTP_RETURNED_ERROR));
    EXPECT_THAT(what, HasSubstr("404"));
    EXPECT_THAT(names_in(folder.path), ElementsAre("kept"));
    EXPECT_EQ(Nginx::text_of(file("kept")), "what was there");
}

TEST_F(Transfers, post_and_other_methods_say_what_they_carry) {
    EXPECT_EQ(answer(client->post(url("/echo-method"), "a=1")).body,
              "POST application/x-www-form-urlencoded 3");
    EXPECT_EQ(answer(client->post(url("/echo-method"), "", "text/plain")).body, "POST text/plain 0");
    EXPECT_EQ(answer(client->request({.url = url("/echo-method"),
                                      .method = "PATCH",
                                      .headers = {{"content-type", "text/x"}},
                                      .body = "four"}))
                  .body,
              "PATCH text/x 4");
    const auto head = answer(client->request({.url = url("/hello.txt"), .method = "HEAD"}));
    EXPECT_EQ(head.body, "");
    EXPECT_EQ(*curl::find(head.headers, "Content-Length"), "5");
}

TEST_F(Transfers, a_redirect_is_followed_and_its_headers_forgotten) {
    const auto response = answer(client->get(url("/moved")));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(response.url, url("/hello.txt"));
    EXPECT_EQ(curl::find(response.headers, "Location"), nullptr);
}

TEST_F(Transfers, with_no_redirects_allowed_it_is_the_answer) {
    const auto response = answer(client->request({.url = url("/moved"), .redirects = 0}));
    EXPECT_EQ(response.status, 302);
    EXPECT_THAT(*curl::find(response.headers, "location"), HasSubstr("/hello.txt"));
}

TEST_F(Transfers, redirects_in_a_circle_end) {
    EXPECT_EQ(failure(client->request({.url = url("/around"), .redirects = 3})),
              curl_error(CURLE_TOO_MANY_REDIRECTS));
    EXPECT_THAT(server.access_log(4), SizeIs(4));
}

TEST_F(Transfers, other_protocols_are_refused_also_after_a_redirect) {
    EXPECT_EQ(failure(client->get("file:///etc/hostname")), curl_error(CURLE_UNSUPPORTED_PROTOCOL));
    EXPECT_EQ(failure(client->get(url("/elsewhere"))), curl_error(CURLE_UNSUPPORTED_PROTOCOL));
}

TEST_F(Transfers, a_connection_is_used_again) {
    for (int n = 0; n < 5; ++n) answer(client->get(url("/hello.txt")));
    const auto lines = server.access_log(5);
    ASSERT_THAT(lines, SizeIs(5));
    EXPECT_EQ(lines.front().connection, lines.back().connection);
    EXPECT_EQ(lines.back().requests, 5);
}

TEST_F(Transfers, a_host_gets_no_more_connections_than_it_may) {
    make_client({.max_connections_per_host = 3});
    std::vector<Future<Response>> futures;
    for (int n = 0; n < 30; ++n) futures.push_back(client->get(url("/hello.txt")));
    for (const auto& future : futures) EXPECT_EQ(answer(future).body, "hello");
    EXPECT_THAT(server.connections(30), SizeIs(3));
}

TEST_F(Transfers, who_waits_for_a_connection_may_time_out_or_be_cancelled_meanwhile) {
    server.serve("slow", noise(64'000));
    make_client({.max_connections_per_host = 1});
    const auto busy = client->get(url("/slow"));
    const auto late = client->request({.url = url("/hello.txt"), .timeout = 50ms});
    const auto cancelled = client->get(url("/hello.txt"));
    const auto last = client->get(url("/hello.txt"));
    cancelled.cancel();
    EXPECT_EQ(failure(late), std::errc::timed_out);
    EXPECT_FALSE(busy.done());
    busy.cancel();
    EXPECT_EQ(answer(last).body, "hello");
}

TEST_F(Transfers, a_body_that_is_too_long_is_an_error) {
    server.serve("noise", noise(100'000));
    EXPECT_EQ(failure(client->request({.url = url("/noise"), .max_body = 99'999})),
              curl_error(CURLE_FILESIZE_EXCEEDED));
    EXPECT_EQ(answer(client->request({.url = url("/noise"), .max_body = 100'000})).body, noise(100'000));
}

TEST_F(Transfers, a_download_becomes_the_file_and_its_progress_only_grows) {
    const std::string content = noise(3'000'000);
    server.serve("noise", content);
    write(file("noise"), "an old one");
    std::vector<Progress> seen;
    bool early = false;
    const auto future = client->download(url("/noise"), file("noise"), [&](Progress p) {
        seen.push_back(p);
        if (p.done < p.total) early = early || Nginx::text_of(file("noise")) != "an old one";
    });
    const auto response = answer(future);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "");
    EXPECT_TRUE(Nginx::text_of(file("noise")) == content);
    EXPECT_FALSE(early);
    ASSERT_GT(seen.size(), 2U);
    for (std::size_t n = 1; n < seen.size(); ++n) EXPECT_LT(seen[n - 1].done, seen[n].done);
    EXPECT_EQ(seen.back().done, content.size());
    EXPECT_EQ(seen.back().total, content.size());
}

TEST_F(Transfers, a_request_tells_its_progress_too_and_what_it_has_to_do) {
    const std::string content = noise(3'000'000);
    server.serve("noise", content);
    std::vector<Progress> seen;
    const auto response =
        answer(client->request({.url = url("/noise")}, [&](Progress p) { seen.push_back(p); }));
    EXPECT_TRUE(response.body == content);
    ASSERT_GT(seen.size(), 2U);
    for (std::size_t n = 1; n < seen.size(); ++n) EXPECT_LT(seen[n - 1].done, seen[n].done);
    EXPECT_EQ(seen.front().total, content.size());
    EXPECT_EQ(seen.back().done, content.size());
}

TEST_F(Transfers, a_request_goes_through_the_proxy_of_the_environment_unless_it_is_told_not_to) {
    // Nobody listens there.
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    EXPECT_EQ(failure(client->request({.url = url("/hello.txt")})), curl_error(CURLE_COULDNT_CONNECT));
    EXPECT_EQ(answer(client->request({.url = url("/hello.txt"), .proxies = false})).body, "hello");
    ::unsetenv("http_proxy");
}

TEST_F(Transfers, two_downloads_to_one_name_do_not_mix) {
    server.serve("noise", noise(1'000'000));
    const auto first = client->download(url("/noise"), file("same"));
    const auto second = client->download(url("/noise"), file("same"));
    answer(first);
    answer(second);
    EXPECT_TRUE(Nginx::text_of(file("same")) == noise(1'000'000));
    EXPECT_THAT(names_in(folder.path), ElementsAre("same"));
}

TEST_F(Transfers, an_upload_arrives_and_its_progress_only_grows) {
    const std::string content = noise(3'000'000);
    write(file("sent"), content);
    std::vector<Progress> seen;
    const auto response =
        answer(client->upload(url("/put/sent"), file("sent"), [&](Progress p) { seen.push_back(p); }));
    EXPECT_THAT(response.status, testing::AnyOf(201, 204));
    EXPECT_TRUE(Nginx::text_of(server.www() / "put/sent") == content);
    ASSERT_FALSE(seen.empty());
    for (std::size_t n = 1; n < seen.size(); ++n) EXPECT_LT(seen[n - 1].done, seen[n].done);
    EXPECT_EQ(seen.back().done, content.size());
    EXPECT_EQ(seen.back().total, content.size());
}

TEST_F(Transfers, files_that_cannot_be_opened_are_errors_of_the_system) {
    EXPECT_EQ(failure(client->download(url("/hello.txt"), file("no/such/folder"))),
              std::errc::no_such_file_or_directory);
    EXPECT_EQ(failure(client->upload(url("/put/x"), file("nothing"))), std::errc::no_such_file_or_directory);
    EXPECT_THAT(what, HasSubstr("nothing"));
}

TEST_F(Transfers, a_file_that_cannot_get_its_name_leaves_nothing) {
    std::filesystem::create_directory(file("taken")); // no file replaces a folder
    EXPECT_EQ(failure(client->download(url("/hello.txt"), file("taken"))), std::errc::is_a_directory);
    EXPECT_THAT(names_in(folder.path), ElementsAre("taken"));
}
