// SPDX-License-Identifier: MIT
#include "open_loop.hpp"
#include "raise.hpp"

#include <ioloop/net/resolver.hpp>

#include <memory>
#include <utility>

namespace ioloop {

/// Owned by whatever ends it: its timeout, and what waits for the job. Thread: the loop's, but for cancel().
class Resolver::Question : public std::enable_shared_from_this<Question> {
public:
    /// What the job came to.
    struct Found {
        Addresses addresses;
        std::error_code error;
    };

    Question(IOLoop& loop, std::string host, Promise<Addresses> answer)
        : loop_(loop),
          host_(std::move(host)),
          answer_(std::move(answer)) {}

    void ask(const Options& options, std::uint16_t port, Duration timeout) {
        IOLoop& loop = open_loop(loop_, "Resolver::resolve");
        const NullContext none; // whoever waits for the answer brings his own
        auto work = [look_up = options.look_up, host = host_, port] {
            Found found;
            found.addresses = look_up(host, port, found.error);
            return found;
        };
        job_ = loop.run_in_executor(std::move(work), options.executor, "name resolution");
        answer_.on_cancel([weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->cancel();
        });
        const auto self = shared_from_this();
        loop.add_future(
            job_, [self](const Future<Found>& job) { self->on_job(job); }, "name resolved");
        if (timeout == forever) return;
        timeout_ = loop.call_later(
            timeout, [self] { self->on_timeout(); }, "name resolution timeout");
    }

    void fail(const std::exception_ptr& error) { answer_.set_exception(error); }

private:
    void on_job(const Future<Found>& job) {
        loop_.loop()->remove_timeout(timeout_);
        if (answer_.done()) return; // cancelled, or too late
        if (const std::exception_ptr error = job.exception()) return fail(error);
        Found& found = job.result();
        if (!found.error && found.addresses.empty())
            found.error = std::make_error_code(std::errc::address_not_available);
        if (found.error) return fail(std::make_exception_ptr(std::system_error(found.error, text())));
        answer_.set_value(std::move(found.addresses));
    }

    void on_timeout() {
        if (answer_.done()) return; // another thread has just cancelled it
        fail(std::make_exception_ptr(TimeoutError(text().append(": the time is up").c_str())));
        job_.cancel();
    }

    /// Thread: any.
    void cancel() {
        job_.cancel(); // if it has not begun, it does not
        if (loop_.on_loop_thread()) {
            if (IOLoop* const loop = loop_.loop()) loop->remove_timeout(timeout_);
        }
        // On another thread on_job() sees to that, as the cancelled job is its news.
    }

    std::string text() const { return std::string("resolving '").append(host_).append("'"); }

    Poster loop_;
    std::string host_;
    Promise<Addresses> answer_;
    Future<Found> job_;
    Timeout timeout_;
};

Resolver::Resolver(IOLoop& loop) : Resolver(loop, Options{}) {}

Resolver::Resolver(IOLoop& loop, Options options) : loop_(loop), options_(std::move(options)) {
    if (!options_.look_up) detail::refuse_null("Resolver: null look_up");
}

Future<Resolver::Addresses> Resolver::resolve(std::string host, std::uint16_t port, Duration timeout) {
    Promise<Addresses> answer(loop_, "name resolution");
    Future<Addresses> future = answer.future();
    if (const auto found = options_.overrides.find(host); found != options_.overrides.end()) {
        SocketAddress address = found->second;
        if (address.port() == 0) address.set_port(port);
        answer.set_value(Addresses{address});
        return future;
    }
    if (Addresses addresses = known(host, port); !addresses.empty()) {
        answer.set_value(std::move(addresses));
        return future;
    }
    // getaddrinfo() would take an empty name for this machine, and stop reading at a zero byte.
    if (host.empty() || host.find('\0') != std::string::npos) {
        answer.set_exception(std::make_exception_ptr(std::system_error(
            std::make_error_code(std::errc::invalid_argument),
            host.empty() ? "resolving an empty name" : "resolving a name with a zero byte")));
        return future;
    }
    const auto question = std::make_shared<Question>(loop_, std::move(host), std::move(answer));
#if IOLOOP_EXCEPTIONS
    try {
        question->ask(options_, port, timeout);
    } catch (const std::system_error&) { // the system has no more threads
        question->fail(std::current_exception());
    }
#else
    question->ask(options_, port, timeout);
#endif
    return future;
}

Resolver::Addresses Resolver::known(std::string_view host, std::uint16_t port) {
    if (host == "localhost")
        return {SocketAddress::loopback(port), SocketAddress::loopback(port, SocketAddress::Family::ipv6)};
    SocketAddress address = SocketAddress::numeric(host, port);
    if (!address && host.substr(0, 5) == "unix:") address = SocketAddress::parse(host);
    if (!address) return {};
    return {address};
}

} // namespace ioloop
