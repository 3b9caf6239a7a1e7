// SPDX-License-Identifier: MIT
/// Transfer: one request, and what has come of it so far. Calls no code of the user's within curl.
#pragma once

#include "part_file.hpp"

#include <ioloop/curl.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/poster.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <curl/curl.h>

namespace ioloop::curl {

struct HandleDeleter {
    void operator()(CURL* easy) const noexcept { ::curl_easy_cleanup(easy); }
};
struct ListDeleter {
    void operator()(curl_slist* list) const noexcept { ::curl_slist_free_all(list); }
};
struct FileDeleter {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

class Transfer;

/// How much may be moved in one call of curl which, left alone, goes on for as long as the peer is fast. Who finds
/// nothing left pauses, and is resumed in a call of his own.
struct Flow {
    std::size_t room = 0; ///< bytes
    std::deque<std::weak_ptr<Transfer>> paused;
};

class Transfer : public std::enable_shared_from_this<Transfer> {
public:
    /// Lifetime: `flow` longer than the transfer is curl's.
    Transfer(IOLoop& loop, Flow& flow, Request request, const Origin& origin);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer();

    // Before it begins, in this order. Errors: what must be told as the future's.
    void prepare(const std::string& user_agent);
    void receive_into(const std::string& path);
    void send_from(const std::string& path);
    void report_to(OnProgress&& on_progress);

    CURL* easy() const noexcept { return easy_.get(); }
    Promise<Response>& promise() noexcept { return promise_; }

    /// curl is through with it.
    void finish(CURLcode code);
    void fail(const std::exception_ptr& error);
    void fail_timed_out();
    /// Nobody wants to know any more.
    void abandon() noexcept;

    /// Until disarm(), calls `give_up` when the time is up.
    void arm(Duration timeout, std::function<void()> give_up);
    void disarm() noexcept;

private:
    /// What is to be told of the progress; outlives the transfer by one call.
    struct Meter;

    template <class V> void set(CURLoption option, V value);
    void set_headers();
    void set_method();
    std::string what() const;
    std::uint64_t length() const noexcept;
    bool take_header(std::string_view line);
    bool take_body(const char* data, std::size_t size);
    bool pauses(std::size_t size);
    void moved(std::size_t bytes);
    void stir();

    static int on_connected(void* self, char*, char*, int, int) noexcept;
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;
    static std::size_t on_read(char* into, std::size_t size, std::size_t count, void* self) noexcept;
    static int on_seek(void* self, curl_off_t offset, int from) noexcept;

    Poster loop_;
    Flow& flow_;
    Request request_;
    Response response_;
    std::size_t header_bytes_ = 0;
    bool accepts_encoding_ = false;
    bool decoded_ = false; ///< what comes is what curl has made of it
    Progress progress_;
    std::function<void()> give_up_;
    Timeout timeout_;
    Timeout quiet_;
    std::error_code failure_; ///< ours, which curl would call a write error
    PartFile received_;
    std::shared_ptr<Meter> meter_;
    Promise<Response> promise_;
    std::array<char, CURL_ERROR_SIZE> detail_{};
    // What the handle refers to outlives it.
    std::unique_ptr<std::FILE, FileDeleter> sent_;
    std::unique_ptr<curl_slist, ListDeleter> headers_;
    std::unique_ptr<CURL, HandleDeleter> easy_;
};

} // namespace ioloop::curl
