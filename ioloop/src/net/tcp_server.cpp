// SPDX-License-Identifier: MIT
#include "open_loop.hpp"
#include "os/process.hpp"
#include "os/socket_calls.hpp"
#include "raise.hpp"

#include <ioloop/net/resolver.hpp>
#include <ioloop/net/tcp_server.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace ioloop {

// Of these two State has members: gcc warns where they are of no linkage, and this file is one of many in a unity build.

/// A descriptor that is kept for when there are no others: closed, it makes room for a connection, which can then be
/// closed as well. (libev's manual has the idea.)
class SpareDescriptor {
public:
    explicit operator bool() const noexcept { return static_cast<bool>(socket_); }
    void take(SocketAddress::Family family) noexcept {
        if (socket_) return;
        std::error_code error; // perhaps there is none now
        const Fd fd = open_socket(family, SocketType::datagram, error);
        if (fd == invalid_fd) return;
        socket_ = Socket::adopt(fd, error);
        if (error) close_fd(fd);
    }
    void give_back() noexcept { socket_.close(); }

private:
    Socket socket_;
};

struct Listener {
    Socket socket;
    SocketAddress address;
    SocketFile file;

    void close() noexcept {
        file = {}; // first, so that nobody finds a file that leads nowhere
        socket.close();
    }
};
using Listeners = std::vector<std::shared_ptr<Listener>>;

namespace {

using Family = SocketAddress::Family;

/// Of the connection that was to be accepted; the next one may be all right.
bool is_of_connection(const std::error_code& error) noexcept {
    constexpr std::array codes{
        std::errc::connection_aborted,  std::errc::connection_reset, std::errc::interrupted,
        std::errc::protocol_error,      std::errc::network_down,     std::errc::operation_not_permitted,
        std::errc::network_unreachable, std::errc::host_unreachable, std::errc::timed_out};
    return std::any_of(codes.begin(), codes.end(), [&](std::errc code) { return error == code; });
}

/// This machine has none like it.
bool is_missing(const SocketAddress& address, const std::error_code& error) noexcept {
    if (error == std::errc::address_family_not_supported) return true;
    return error == std::errc::address_not_available && address.family() == Family::ipv6;
}

/// Port 0 of the later addresses is what the system has given to the first.
Listeners open_at_one_port(const std::vector<SocketAddress>& at, const ListenOptions& how,
                           std::error_code& error) {
    Listeners made;
    std::error_code missing;
    std::optional<std::uint16_t> port;
    for (SocketAddress address : at) {
        const bool any_port = address.port() == 0 && address.family() != Family::unix_path;
        if (any_port && port) address.set_port(*port);
        const auto same = [&](const auto& other) { return other->address == address; };
        if (!any_port && std::any_of(made.begin(), made.end(), same)) continue;
        Socket socket = Socket::listen(address, how, error);
        if (error && at.size() > 1 && is_missing(address, error)) {
            missing = error;
            continue;
        }
        if (error) return {};
        const SocketAddress local = socket.local();
        if (any_port && !port) port = local.port();
        made.push_back(std::make_shared<Listener>(Listener{std::move(socket), local, SocketFile(address)}));
    }
    error = made.empty() ? missing : std::error_code();
    return made;
}

Listeners open(const std::vector<SocketAddress>& at, const ListenOptions& how, std::error_code& error) {
    // The port that is free for one family may be taken for the other.
    const bool any_port =
        std::any_of(at.begin(), at.end(), [](const SocketAddress& a) { return a.port() == 0; });
    Listeners made;
    for (int tries = any_port && at.size() > 1 ? 8 : 1; tries > 0; --tries) {
        made = open_at_one_port(at, how, error);
        if (error != std::errc::address_in_use) break;
    }
    return made;
}

std::string where(const std::vector<SocketAddress>& at) {
    std::string text = at.empty() ? "listening at no address" : "listening at ";
    for (const SocketAddress& address : at) {
        if (&address != &at.front()) text.append(", ");
        text.append(address.to_string());
    }
    return text;
}

} // namespace

class TcpServer::State : public std::enable_shared_from_this<State> {
public:
    State(IOLoop& loop, OnConnection&& on_connection, const Options& how, const Origin& origin)
        : options(how),
          loop_(loop),
          on_connection_(std::move(on_connection)),
          origin_(origin) {}

    void add(Listeners made, std::error_code& error) {
        for (const auto& listener : made) {
            watch(listener, error);
            if (error) return;
        }
        if (made.empty()) return;
        spare_.take(made.front()->address.family());
        listeners.insert(listeners.end(), made.begin(), made.end());
    }

    void stop() noexcept {
        for (const auto& listener : std::exchange(listeners, {})) listener->close();
        spare_.give_back();
        paused_ = false;
        if (IOLoop* const loop = loop_.loop()) loop->remove_timeout(pause_);
    }

    const Options options;
    Listeners listeners;
    Counters counters;

private:
    void watch(const std::shared_ptr<Listener>& listener, std::error_code& error) {
        IOLoop& loop = open_loop(loop_, "TcpServer::listen", &origin_);
        auto handler = [weak = weak_from_this(), kept = std::weak_ptr(listener)](Fd, Events) {
            const auto self = weak.lock();
            const auto l = kept.lock();
            if (self != nullptr && l != nullptr) self->accept(*l);
        };
        listener->socket.watch(loop, std::move(handler), Events::read, error, origin_);
    }

    void watch_for(Events events) noexcept {
        for (const auto& listener : listeners) listener->socket.watch_for(events);
    }

    /// `listener` is closed when the callback stops the server; it may also destroy the loop.
    void accept(Listener& listener) {
        if (accepting_) { // the callback runs the loop: it is not entered again by way of another listener
            others_wait_ = true;
            return listener.socket.watch_for(Events::none);
        }
        struct Accepting {
            explicit Accepting(State& s) : state(s) { state.accepting_ = true; }
            Accepting(const Accepting&) = delete;
            Accepting& operator=(const Accepting&) = delete;
            ~Accepting() {
                state.accepting_ = false;
                if (std::exchange(state.others_wait_, false) && !state.paused_) state.watch_for(Events::read);
            }
            State& state;
        } const accepting(*this);
        bool out = false;
        for (int i = 0; i < options.accepts_per_turn && listener.socket && !loop_.closed(); ++i) {
            std::error_code error;
            SocketAddress peer;
            Socket socket = listener.socket.accept(error, &peer);
            if (socket) {
                ++counters.accepted;
                on_connection_(std::move(socket), peer);
            } else if (error == std::errc::resource_unavailable_try_again) {
                break;
            } else if (out_of_descriptors(error)) {
                out = true;
                if (!refuse_one(listener)) break;
            } else if (++counters.failures; !is_of_connection(error)) {
                pause();
                raise(std::system_error(error,
                                        std::string("accepting at ").append(listener.address.to_string())));
            }
        }
        if (out) pause();
    }

    /// False if nobody is left, or there was no room even for that.
    bool refuse_one(Listener& listener) noexcept {
        if (!spare_) return false;
        spare_.give_back();
        std::error_code error;
        Socket unwanted = listener.socket.accept(error);
        const bool refused = static_cast<bool>(unwanted);
        unwanted.close();
        spare_.take(listener.address.family());
        if (refused) ++counters.refused;
        return refused;
    }

    /// The descriptors stay ready: without it the loop would spin. Out of the loop, as one that is broken hangs up unasked.
    void pause() {
        IOLoop* const loop = loop_.loop();
        if (loop == nullptr || listeners.empty()) return;
        paused_ = true;
        for (const auto& listener : listeners) listener->socket.unwatch();
        loop->remove_timeout(pause_);
        pause_ = loop->call_later(
            options.pause,
            [weak = weak_from_this()] {
                if (const auto self = weak.lock()) self->go_on();
            },
            "accept again");
    }
    void go_on() {
        paused_ = false;
        if (listeners.empty()) return;
        spare_.take(listeners.front()->address.family());
        for (const auto& listener : listeners) {
            std::error_code error;
            if (!listener->socket.watched()) watch(listener, error);
            if (error) return pause(); // there is no room for it yet
        }
    }

    Poster loop_;
    OnConnection on_connection_;
    Origin origin_;
    SpareDescriptor spare_;
    Timeout pause_;
    bool paused_ = false;
    bool accepting_ = false;   ///< a callback is on the stack, perhaps
    bool others_wait_ = false; ///< listeners that were ready meanwhile
};

TcpServer::TcpServer(IOLoop& loop, OnConnection on_connection, Origin origin)
    : TcpServer(loop, std::move(on_connection), Options{}, origin) {}

TcpServer::TcpServer(IOLoop& loop, OnConnection on_connection, const Options& options, Origin origin) {
    if (!on_connection) detail::refuse_null("TcpServer: null callback", origin);
    if (options.accepts_per_turn <= 0) {
        raise(std::invalid_argument("TcpServer: accepts_per_turn must be positive, " + describe(origin)));
    }
    if (options.pause <= Duration::zero())
        raise(std::invalid_argument("TcpServer: the pause must be positive, " + describe(origin)));
    state_ = std::make_shared<State>(loop, std::move(on_connection), options, origin);
}

TcpServer::~TcpServer() { stop(); }

void TcpServer::listen(const std::vector<SocketAddress>& at, std::error_code& error) {
    error.clear();
    if (at.empty()) {
        error = std::make_error_code(std::errc::invalid_argument);
        return;
    }
    Listeners made = open(at, state_->options.listen, error);
    if (!error) state_->add(std::move(made), error);
}
void TcpServer::listen(const std::vector<SocketAddress>& at) {
    std::error_code error;
    listen(at, error);
    if (error) raise(std::system_error(error, where(at)));
}

void TcpServer::listen(const SocketAddress& at, std::error_code& error) { listen(std::vector{at}, error); }
void TcpServer::listen(const SocketAddress& at) { listen(std::vector{at}); }

void TcpServer::listen(std::string_view host, std::uint16_t port, std::error_code& error) {
    if (host.empty()) {
        listen({SocketAddress::any(port), SocketAddress::any(port, Family::ipv6)}, error);
    } else {
        listen(Resolver::known(host, port), error);
    }
}
void TcpServer::listen(std::string_view host, std::uint16_t port) {
    std::error_code error;
    listen(host, port, error);
    if (error) {
        std::string text =
            std::string("listening at '").append(host).append("', port ") + std::to_string(port);
        if (!host.empty() && Resolver::known(host, port).empty())
            text.append("; a name has to be resolved: listen at the addresses that a Resolver finds");
        raise(std::system_error(error, text));
    }
}

void TcpServer::add_socket(Socket socket, std::error_code& error) {
    error.clear();
    if (!is_listening(socket.fd())) {
        error = std::make_error_code(std::errc::invalid_argument);
        return;
    }
    const SocketAddress local = socket.local();
    state_->add({std::make_shared<Listener>(Listener{std::move(socket), local, {}})}, error);
}
void TcpServer::add_socket(Socket socket) {
    std::error_code error;
    add_socket(std::move(socket), error);
    if (error) raise(std::system_error(error, "TcpServer::add_socket"));
}

void TcpServer::stop() noexcept { state_->stop(); }

std::vector<SocketAddress> TcpServer::addresses() const {
    std::vector<SocketAddress> addresses;
    for (const auto& listener : state_->listeners) addresses.push_back(listener->address);
    return addresses;
}

const TcpServer::Counters& TcpServer::counters() const noexcept { return state_->counters; }

} // namespace ioloop
