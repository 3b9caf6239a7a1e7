// SPDX-License-Identifier: MIT
/// ioloop::curl: HTTP for programs with an IOLoop, made by libcurl.
///
///     curl::HttpClient http(loop);
///     curl::Response page = co_await http.get("https://example.com/");
///     co_await http.download("https://example.com/level.pak", "level.pak",
///                            [&](curl::Progress p) { draw_bar(p.done, p.total); });
///
/// curl's sockets are watched by the loop, and its timer is a timeout of the loop: no thread waits for the network. (Only
/// names are looked up on threads, of curl's own.) Connections are kept and used again.
///
/// **Cancel** a transfer by cancelling its future, from any thread: its connection is closed, what it had begun to
/// write is removed, and on_progress is not called again.
///
/// **Turns.** However many and fast the servers are, a turn moves half a megabyte at most, in portions of 64 KiB between
/// which a Budget may end it: a millisecond or two. But the answer to a GET may come compressed, and what 16 KiB of that
/// become is taken in one call: for a server that means no good, all of `Request::max_body`, 16 MiB in 50 ms. Make that
/// smaller where it matters. (download() asks for files as they are.)
///
/// **Files** are read and written on the loop's thread, in portions of at most 64 KiB: what a page cache takes in
/// microseconds. A disk that stalls (a network share) stalls the loop.
///
/// **Safety.** http and https only, also after a redirect; certificates are verified; nothing of the user's is sent
/// (no cookies, no ~/.netrc). Proxies are taken from the environment (http_proxy, no_proxy), as curl does.
///
/// **Errors**, of the future: TimeoutError; CancelledError if the client was destroyed; else std::system_error, with a
/// CURLcode in error_category() or what the system says of a file. Any status is an answer to request(), get() and
/// post(); for download() and upload(), 400 and above is an error, CURLE_HTTP_RETURNED_ERROR.
///
/// Lifetime: the client ends its transfers when it goes, and may go in any callable; the loop may be closed or destroyed
/// first, and then only the destructor is of use. Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/function.hpp>
#include <ioloop/future.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace ioloop::curl {

/// Of CURLcodes, in curl's words.
const std::error_category& error_category() noexcept;

/// Name and value, in the order of the message.
using Headers = std::vector<std::pair<std::string, std::string>>;
/// The value of the first one of that name, in whatever case; null: there is none.
const std::string* find(const Headers& headers, std::string_view name) noexcept;

/// Bytes, of the body that is sent or received.
struct Progress {
    std::uint64_t done = 0;
    std::uint64_t total = 0; ///< 0: not known
};
/// Called at most once a turn, by the loop, with what has been done so far; the last time before whoever waits for
/// the future is called.
using OnProgress = Function<void(Progress)>;

struct Request {
    std::string url;
    std::string method = "GET";
    Headers headers = {};
    std::string body = {};
    Duration timeout = std::chrono::seconds(20); ///< for everything, also waiting for a free connection
    Duration quiet = std::chrono::seconds(20); ///< to connect, and then for as long as no byte comes or goes
    int redirects = 5;                         ///< followed at most; 0: a redirect is the answer
    std::uint64_t max_body = 16'777'216;       ///< bytes of an answer; more is CURLE_FILESIZE_EXCEEDED
    bool proxies = true;                       ///< of the environment; false: nobody else is asked
};

struct Response {
    int status = 0;
    Headers headers;
    std::string body; ///< empty if it went to a file
    std::string url;  ///< that answered, after redirects
};

class HttpClient {
public:
    struct Options {
        int max_connections = 256;
        int max_connections_per_host = 8; ///< what comes on top waits for one of these
        std::string user_agent = "ioloop";
    };

    explicit HttpClient(IOLoop& loop);
    HttpClient(IOLoop& loop, Options options);
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient();

    Future<Response> request(Request request, Origin origin = Origin::here());
    /// With the progress of the answer's body. If that comes compressed, its total is less than what there is in the end.
    Future<Response> request(Request request, OnProgress on_progress, Origin origin = Origin::here());
    Future<Response> get(std::string url, Origin origin = Origin::here());
    Future<Response> post(std::string url, std::string body,
                          std::string content_type = "application/x-www-form-urlencoded",
                          Origin origin = Origin::here());

    /// The body becomes the file `path`, in the place of what is there, when it is complete; until then it is beside it,
    /// with `.0.part` after its name, or the next number that is free. An error leaves nothing behind, and what was there
    /// as it was.
    Future<Response> download(std::string url, std::string path, OnProgress on_progress = nullptr,
                              Duration timeout = forever, Origin origin = Origin::here());
    /// Sends the file `path` by PUT.
    Future<Response> upload(std::string url, std::string path, OnProgress on_progress = nullptr,
                            Duration timeout = forever, Origin origin = Origin::here());

    /// Of requests whose futures are not done.
    std::size_t transfers() const noexcept;

private:
    class Multi;
    std::shared_ptr<Multi> multi_; ///< shared with its calls: one of them may destroy the client
};

} // namespace ioloop::curl
