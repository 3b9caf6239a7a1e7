// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/join.hpp>
#include <ioloop/net/connector.hpp>
#include <ioloop/net/tcp_client.hpp>
#include <ioloop/task.hpp>

#include <utility>
#include <vector>

namespace ioloop {
namespace {

/// What the connecting task waits for, and nobody needs any more when that goes.
template <class T> class Awaited {
public:
    explicit Awaited(Future<T> future) : future_(std::move(future)) {}
    Awaited(Awaited&&) noexcept = default;
    Awaited(const Awaited&) = delete;
    Awaited& operator=(const Awaited&) = delete;
    Awaited& operator=(Awaited&&) = delete;
    ~Awaited() {
        if (future_.valid()) future_.cancel();
    }

    const Future<T>& future() const noexcept { return future_; }

private:
    Future<T> future_;
};

std::exception_ptr failure(std::error_code error, const std::string& what) {
    if (error == std::errc::timed_out)
        return std::make_exception_ptr(TimeoutError(std::string(what).append(": the time is up").c_str()));
    return std::make_exception_ptr(std::system_error(error, what));
}

/// What connecting begins with. Not in the task: the client may be gone when that begins.
struct Attempt {
    Attempt(IOLoop& loop, Resolver& resolver, std::string host, std::uint16_t port, const ConnectOptions& o)
        : what(describe(host, port)),
          options(o),
          deadline(after(loop.time(), o.timeout)),
          resolving(resolver.resolve(std::move(host), port)) {
        if (options.source) options.family = options.source.family();
    }

    static std::string describe(const std::string& host, std::uint16_t port) {
        std::string text = std::string("connecting to ").append(host);
        if (host.substr(0, 5) != "unix:") text.append(":").append(std::to_string(port));
        return text;
    }

    std::string what;
    ConnectOptions options;
    TimePoint deadline;
    Awaited<Resolver::Addresses> resolving;
};

/// Lifetime: the loop's, as every task.
Task<Socket> connect_to(IOLoop& loop, Attempt attempt) {
    const std::string& what = attempt.what;
    const ConnectOptions& options = attempt.options;
    const TimePoint deadline = attempt.deadline;
    auto found = co_await with_timeout(deadline, attempt.resolving.future()).outcome();
    if (found.failed() && loop.time() >= deadline)
        found.set_error(failure(std::make_error_code(std::errc::timed_out), what));
    auto addresses = found.take();
    if (options.family != SocketAddress::Family::none)
        std::erase_if(addresses, [&](const SocketAddress& a) { return a.family() != options.family; });

    Promise<Socket> connected(loop, "connection");
    const Connector connector(loop, std::move(addresses), {options.stagger, deadline},
                              socket_connect(loop, options.source),
                              [&](std::error_code error, Socket socket) {
                                  if (error) {
                                      connected.set_exception(failure(error, what));
                                  } else {
                                      connected.set_value(std::move(socket));
                                  }
                              });
    const Awaited<Socket> connection(connected.future());
    co_return std::move(co_await connection.future());
}

Task<TcpStream> stream_to(IOLoop& loop, Attempt attempt, Origin origin) {
    const StreamOptions options = attempt.options.stream;
    co_return TcpStream(loop, co_await connect_to(loop, std::move(attempt)), options, origin);
}

} // namespace

TcpClient::TcpClient(IOLoop& loop, Resolver* resolver)
    : loop_(loop),
      own_(loop),
      resolver_(resolver != nullptr ? *resolver : own_) {}

Future<TcpStream> TcpClient::connect(std::string host, std::uint16_t port, ConnectOptions options,
                                     Origin origin) {
    return spawn(loop_, stream_to(loop_, Attempt(loop_, resolver_, std::move(host), port, options), origin),
                 origin);
}

Future<Socket> TcpClient::connect_socket(std::string host, std::uint16_t port, ConnectOptions options,
                                         Origin origin) {
    return spawn(loop_, connect_to(loop_, Attempt(loop_, resolver_, std::move(host), port, options)), origin);
}

} // namespace ioloop
