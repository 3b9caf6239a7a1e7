// SPDX-License-Identifier: MIT
/// HttpClient::Multi: all transfers of a client, in a multi handle of curl.
///
/// curl is entered from here only: by the loop, by those who begin a transfer, and by those who cancel one. It calls
/// back, within that, what watches its sockets and what takes its data; those call no code of the user's, so that curl is
/// never entered twice. Results come when it has been left.
#pragma once

#include "transfer.hpp"

#include <ioloop/curl.hpp>
#include <ioloop/net/watch_set.hpp>
#include <ioloop/poster.hpp>

#include <cstddef>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>

#include <curl/curl.h>

namespace ioloop::curl {

/// A hundred fast peers could keep the loop for long. So one call moves a portion at most; sockets that are ready move a
/// few portions in a turn together, and those who have to wait for more take turns, a few callbacks in a turn.
class HttpClient::Multi : public std::enable_shared_from_this<Multi> {
public:
    Multi(IOLoop& loop, Options options);
    Multi(const Multi&) = delete;
    Multi& operator=(const Multi&) = delete;
    ~Multi();

    struct Job {
        Request request;
        std::string receive_into = {}; ///< a path; empty: memory
        std::string send_from = {};
        OnProgress on_progress = nullptr;
    };
    Future<Response> begin(Job job, const Origin& origin);
    /// Cancels all. Nothing comes afterwards.
    void shut_down();
    std::size_t size() const noexcept { return transfers_.size(); }

private:
    void open();
    void close();
    void run(const std::shared_ptr<Transfer>& transfer, Duration timeout);
    void begin_soon();
    void begin_some();
    void on_ready(curl_socket_t socket, int ready);
    void act(curl_socket_t socket, int ready, std::size_t room);
    void collect();
    void arrange_portions();
    void on_portion();
    void break_down(CURLMcode code);
    void fail_all(const std::exception_ptr& error);
    std::shared_ptr<Transfer> take(CURL* easy);
    void forget(Transfer& transfer);

    static int on_socket(CURL* easy, curl_socket_t socket, int wanted, void* self, void*) noexcept;
    static int on_timer(CURLM* multi, long milliseconds, void* self) noexcept;
    static int on_new_socket(void* self, curl_socket_t socket, curlsocktype purpose) noexcept;
    static int on_close_socket(void* self, curl_socket_t socket) noexcept;

    Poster loop_;
    Options options_;
    std::optional<WatchSet> watches_;
    std::deque<std::weak_ptr<Transfer>> waiting_; ///< to begin
    bool beginning_ = false;                      ///< posted
    Flow flow_;
    std::size_t room_;         ///< bytes that sockets that are ready may move before the next portion
    std::size_t portions_ = 0; ///< posted
    CURLM* multi_ = nullptr;   ///< null: shut down
    std::map<CURL*, std::shared_ptr<Transfer>> transfers_;
};

} // namespace ioloop::curl
