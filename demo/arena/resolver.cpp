// SPDX-License-Identifier: MIT
#include "resolver.hpp"

#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace arena {

/// Shared by the resolver, the loop and the thread, which end in any order. It is over when `loop` is null;
/// the thread may touch the loop only under the lock, and only until then.
class Resolver::Request : public std::enable_shared_from_this<Request> {
public:
    Request(ioloop::IOLoop& loop, Done done) : loop_(&loop), done_(std::move(done)) {}

    /// Thread: any.
    void post(std::error_code error, Addresses addresses) {
        const std::lock_guard lock(mutex_);
        if (loop_ == nullptr) return;
        loop_->add_callback(
            [self = shared_from_this(), error, found = std::move(addresses)]() mutable {
                self->finish(error, std::move(found));
            },
            "name resolved");
    }

    /// Thread: the loop's.
    void finish(std::error_code error, Addresses addresses) {
        ioloop::IOLoop* loop = forget_loop();
        if (loop == nullptr) return;
        loop->remove_timeout(timeout);
        std::exchange(done_, nullptr)(error, std::move(addresses));
    }

    void cancel() noexcept {
        if (ioloop::IOLoop* loop = forget_loop()) loop->remove_timeout(timeout);
    }

    ioloop::IOLoop* forget_loop() noexcept {
        const std::lock_guard lock(mutex_);
        return std::exchange(loop_, nullptr);
    }

    ioloop::Timeout timeout;

private:
    std::mutex mutex_;
    ioloop::IOLoop* loop_;
    Done done_;
};

/// The closure of the timeout. The loop destroys its closures when it closes: so the request hears of that.
class Resolver::Closed {
public:
    explicit Closed(std::shared_ptr<Request> request) : request_(std::move(request)) {}
    Closed(Closed&&) noexcept = default;
    Closed(const Closed&) = delete;
    Closed& operator=(Closed&&) = delete;
    ~Closed() {
        if (request_) request_->forget_loop();
    }
    void operator()() { request_->finish(std::make_error_code(std::errc::timed_out), {}); }

private:
    std::shared_ptr<Request> request_;
};

Resolver::Resolver(ioloop::IOLoop& loop, LookUp look_up) : loop_(loop), look_up_(std::move(look_up)) {}
Resolver::~Resolver() { cancel(); }

void Resolver::resolve(const std::string& host, std::uint16_t port, ioloop::Duration timeout, Done done) {
    cancel();
    const auto request = std::make_shared<Request>(loop_, std::move(done));
    request_ = request;
    request->timeout = loop_.call_later(timeout, Closed(request), "name resolution timeout");

    if (const Address address = Address::numeric(host, port)) {
        request->post({}, {address});
        return;
    }
    try {
        std::thread([request, look_up = look_up_, host, port] {
            std::error_code error;
            Addresses addresses;
            try {
                addresses = look_up(host, port, error);
            } catch (const std::exception&) {
                error = std::make_error_code(std::errc::not_enough_memory);
            }
            request->post(error, std::move(addresses));
        }).detach();
    } catch (const std::system_error& no_thread) {
        request->post(no_thread.code(), {});
    }
}

void Resolver::cancel() noexcept {
    if (const auto request = std::exchange(request_, nullptr)) request->cancel();
}

} // namespace arena
