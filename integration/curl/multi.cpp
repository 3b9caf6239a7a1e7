// SPDX-License-Identifier: MIT
#include "multi.hpp"

#include <ioloop/context.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace ioloop::curl {
namespace {

constexpr std::size_t portion = std::size_t{64} << 10U; ///< bytes: tens of microseconds
constexpr std::size_t portions_per_turn = 4;
constexpr int beginnings_per_turn = 8;

} // namespace

HttpClient::Multi::Multi(IOLoop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      room_(portions_per_turn * portion) {
    if (options_.max_connections < 1 || options_.max_connections_per_host < 1)
        throw std::invalid_argument("HttpClient: at least one connection");
    static const CURLcode started = ::curl_global_init(CURL_GLOBAL_DEFAULT);
    if (started != CURLE_OK) throw std::system_error(started, error_category(), "curl_global_init");
    watches_.emplace(
        loop, "http client",
        [this](Fd fd, Events ready) {
            // An error is what reading says: told of it as such, curl would not read what came before it.
            int how = 0;
            if (any(ready & (Events::read | Events::error))) how |= CURL_CSELECT_IN;
            if (any(ready & (Events::write | Events::error))) how |= CURL_CSELECT_OUT;
            on_ready(static_cast<curl_socket_t>(fd), how);
        },
        [this] { on_ready(CURL_SOCKET_TIMEOUT, 0); }, Origin("http"));
    open();
}

HttpClient::Multi::~Multi() { close(); }

void HttpClient::Multi::open() {
    multi_ = ::curl_multi_init();
    if (multi_ == nullptr) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, long{options_.max_connections});
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, long{options_.max_connections_per_host});
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, long{options_.max_connections}); // kept when idle
}

/// Calls back: sockets are closed.
void HttpClient::Multi::close() {
    if (multi_ != nullptr) ::curl_multi_cleanup(std::exchange(multi_, nullptr));
}

void HttpClient::Multi::shut_down() {
    fail_all(std::make_exception_ptr(CancelledError("the HttpClient was destroyed")));
    close();
    watches_.reset();
}

// ---- one transfer -------------------------------------------------------------------------------

Future<Response> HttpClient::Multi::begin(Job job, const Origin& origin) {
    IOLoop* const loop = loop_.loop();
    if (loop == nullptr) throw std::logic_error("HttpClient: the loop is closed");
    const Duration timeout = job.request.timeout;
    const auto transfer = std::make_shared<Transfer>(*loop, flow_, std::move(job.request), origin);
    Future<Response> future = transfer->promise().future();
    try {
        transfer->prepare(options_.user_agent);
        if (!job.receive_into.empty()) transfer->receive_into(job.receive_into);
        if (!job.send_from.empty()) transfer->send_from(job.send_from);
        transfer->report_to(std::move(job.on_progress));
        run(transfer, timeout);
    } catch (const std::system_error&) {
        transfer->fail(std::current_exception());
    }
    return future;
}

void HttpClient::Multi::run(const std::shared_ptr<Transfer>& transfer, Duration timeout) {
    CURL* const easy = transfer->easy();
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &Multi::on_new_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &Multi::on_close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);

    const auto drop = [self = weak_from_this(), weak = std::weak_ptr(transfer)](auto end) {
        const auto multi = self.lock();
        const auto dropped = weak.lock();
        if (multi == nullptr || dropped == nullptr || multi->take(dropped->easy()) == nullptr) return;
        end(*dropped);
    };
    const NullContext none; // whoever waits for the answer brings his own
    transfers_.emplace(easy, transfer);
    waiting_.push_back(transfer);
    begin_soon();
    transfer->arm(timeout, [drop] { drop([](Transfer& t) { t.fail_timed_out(); }); });
    transfer->promise().on_cancel([drop, loop = loop_] {
        const auto abandon = [drop] { drop([](Transfer& t) { t.abandon(); }); };
        if (loop.on_loop_thread()) return abandon();
        loop.spawn_callback(abandon, "http cancel");
    });
}

/// To connect takes its time, too: curl would do all that at once.
void HttpClient::Multi::begin_soon() {
    if (beginning_ || waiting_.empty()) return;
    const NullContext none;
    beginning_ = loop_.add_callback(
        [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self != nullptr && self->multi_ != nullptr) self->begin_some();
        },
        "http begin");
}

void HttpClient::Multi::begin_some() {
    beginning_ = false;
    for (int n = 0; n < beginnings_per_turn && !waiting_.empty(); ++n) {
        const auto transfer = waiting_.front().lock();
        waiting_.pop_front();
        if (transfer == nullptr || transfers_.find(transfer->easy()) == transfers_.end())
            continue; // cancelled
        const CURLMcode code = ::curl_multi_add_handle(multi_, transfer->easy());
        if (code == CURLM_OK) continue;
        take(transfer->easy());
        transfer->fail(std::make_exception_ptr(
            std::system_error(CURLE_FAILED_INIT, error_category(), ::curl_multi_strerror(code))));
    }
    begin_soon();
}

/// Null: it is gone already.
std::shared_ptr<Transfer> HttpClient::Multi::take(CURL* easy) {
    const auto found = transfers_.find(easy);
    if (found == transfers_.end()) return nullptr;
    std::shared_ptr<Transfer> transfer = std::move(found->second);
    transfers_.erase(found);
    forget(*transfer);
    return transfer;
}

void HttpClient::Multi::forget(Transfer& transfer) {
    ::curl_multi_remove_handle(multi_, transfer.easy());
    transfer.disarm();
}

void HttpClient::Multi::fail_all(const std::exception_ptr& error) {
    const auto all = std::exchange(transfers_, {});
    for (const auto& [easy, transfer] : all) forget(*transfer);
    for (const auto& [easy, transfer] : all) transfer->fail(error);
}

// ---- curl works ---------------------------------------------------------------------------------

/// By the loop.
void HttpClient::Multi::on_ready(curl_socket_t socket, int ready) {
    const auto kept = shared_from_this();
    const std::size_t room = std::min(portion, room_);
    act(socket, ready, room);
    room_ -= room - flow_.room;
    arrange_portions();
}

void HttpClient::Multi::act(curl_socket_t socket, int ready, std::size_t room) {
    if (multi_ == nullptr) return;
    flow_.room = room;
    int running = 0;
    const CURLMcode code = ::curl_multi_socket_action(multi_, socket, ready, &running);
    if (code != CURLM_OK) return break_down(code);
    collect();
}

/// One for each transfer that has paused, as far as there is room for them in a turn; and one to make new room.
void HttpClient::Multi::arrange_portions() {
    if (multi_ == nullptr) return;
    const std::size_t least = room_ < portions_per_turn * portion ? 1 : 0;
    const std::size_t wanted = std::clamp(flow_.paused.size(), least, portions_per_turn);
    const NullContext none;
    for (; portions_ < wanted; ++portions_) {
        const bool posted = loop_.add_callback(
            [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->on_portion();
            },
            "http portion");
        if (!posted) return;
    }
}

void HttpClient::Multi::on_portion() {
    --portions_;
    room_ = portions_per_turn * portion;
    std::shared_ptr<Transfer> transfer;
    while (transfer == nullptr && !flow_.paused.empty()) {
        transfer = flow_.paused.front().lock();
        flow_.paused.pop_front();
        if (transfer != nullptr && transfers_.find(transfer->easy()) == transfers_.end()) transfer.reset();
    }
    if (transfer != nullptr) {
        flow_.room = portion;
        // What curl has kept is passed on; then it wants to be called. Of an error it tells nobody else.
        const CURLcode code = ::curl_easy_pause(transfer->easy(), CURLPAUSE_CONT);
        if (code != CURLE_OK && take(transfer->easy()) != nullptr) transfer->finish(code);
        act(CURL_SOCKET_TIMEOUT, 0, flow_.room);
    }
    arrange_portions();
}

void HttpClient::Multi::collect() {
    std::vector<std::pair<std::shared_ptr<Transfer>, CURLcode>> done;
    int left = 0;
    while (const CURLMsg* const message = ::curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result; // gone when the handle is removed
        if (auto transfer = take(message->easy_handle)) done.emplace_back(std::move(transfer), code);
    }
    for (const auto& [transfer, code] : done) transfer->finish(code);
}

/// A socket could not be watched, or memory is short: curl's handle is of no use then. Later transfers get another.
void HttpClient::Multi::break_down(CURLMcode code) {
    fail_all(std::make_exception_ptr(
        std::system_error(CURLE_ABORTED_BY_CALLBACK, error_category(), ::curl_multi_strerror(code))));
    if (multi_ == nullptr) return; // what was captured for one of them has destroyed the client
    close();
    open();
}

// ---- curl's calls -------------------------------------------------------------------------------

int HttpClient::Multi::on_socket(CURL*, curl_socket_t socket, int wanted, void* self, void*) noexcept try {
    Events events = Events::none; // CURL_POLL_REMOVE, which does not mean that it is closed
    if (wanted == CURL_POLL_IN || wanted == CURL_POLL_INOUT) events |= Events::read;
    if (wanted == CURL_POLL_OUT || wanted == CURL_POLL_INOUT) events |= Events::write;
    auto& watches = static_cast<Multi*>(self)->watches_;
    std::error_code error;
    watches->set(static_cast<Fd>(socket), events, error);
    return error ? -1 : 0;
} catch (...) {
    return -1;
}

int HttpClient::Multi::on_timer(CURLM*, long milliseconds, void* self) noexcept try {
    // Zero is soon, but not now, when curl is busy.
    static_cast<Multi*>(self)->watches_->set_timer(
        milliseconds < 0 ? forever : Duration(std::chrono::milliseconds(milliseconds)));
    return 0;
} catch (...) {
    return -1;
}

int HttpClient::Multi::on_new_socket(void*, curl_socket_t socket, curlsocktype) noexcept {
    ::fcntl(socket, F_SETFD, FD_CLOEXEC); // nothing for children
    return CURL_SOCKOPT_OK;
}

int HttpClient::Multi::on_close_socket(void* self, curl_socket_t socket) noexcept {
    std::error_code ignored;
    static_cast<Multi*>(self)->watches_->set(static_cast<Fd>(socket), Events::none, ignored);
    return ::close(socket);
}

} // namespace ioloop::curl
