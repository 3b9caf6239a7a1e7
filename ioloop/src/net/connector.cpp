// SPDX-License-Identifier: MIT
#include "open_loop.hpp"

#include <ioloop/net/connector.hpp>

#include <algorithm>
#include <utility>

namespace ioloop {

Connector::Connector(IOLoop& loop, std::vector<SocketAddress> addresses, const Options& options,
                     Connect connect, Answer done)
    : loop_(loop),
      addresses_(in_turns(std::move(addresses))),
      stagger_(options.stagger),
      connect_(std::move(connect)),
      done_(std::move(done)),
      last_error_(std::make_error_code(std::errc::address_not_available)) {
    if (!connect_ || !done_) detail::refuse_null("Connector: null function");
    static_cast<void>(open_loop(loop_, "Connector"));
    // Without a destructor to come, should connect_ throw, nothing may be left that calls this.
    struct Guard {
        explicit Guard(Connector& c) : connector(&c) {}
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard() {
            if (connector != nullptr) connector->disarm();
        }
        Connector* connector;
    } guard(*this);
    if (options.deadline != never) {
        deadline_ = loop.call_at(
            options.deadline, [this] { finish(std::make_error_code(std::errc::timed_out), {}); },
            "connect timeout");
    }
    try_next();
    guard.connector = nullptr;
}

Connector::~Connector() { disarm(); }

std::vector<SocketAddress> Connector::in_turns(std::vector<SocketAddress> addresses) {
    if (addresses.empty()) return addresses;
    const auto of_first = [family = addresses.front().family()](const SocketAddress& address) {
        return address.family() == family;
    };
    const auto end = addresses.cend();
    auto first = std::find_if(addresses.cbegin(), end, of_first);
    auto other = std::find_if_not(addresses.cbegin(), end, of_first);
    std::vector<SocketAddress> ordered;
    ordered.reserve(addresses.size());
    while (first != end || other != end) {
        if (first != end) {
            ordered.push_back(*first);
            first = std::find_if(first + 1, end, of_first);
        }
        if (other != end) {
            ordered.push_back(*other);
            other = std::find_if_not(other + 1, end, of_first);
        }
    }
    return ordered;
}

void Connector::try_next() {
    IOLoop* const open = loop_.loop();
    if (open == nullptr) return; // closed meanwhile: nothing is called any more
    IOLoop& loop = *open;
    loop.remove_timeout(next_attempt_);
    while (next_ < addresses_.size()) {
        const std::size_t index = next_++;
        std::error_code error;
        auto attempt = connect_(
            addresses_[index],
            [this, index](std::error_code answer, Socket socket) {
                on_answer(index, answer, std::move(socket));
            },
            error);
        if (!attempt) {
            last_error_ = error;
            continue;
        }
        attempts_[index] = std::move(attempt);
        if (next_ < addresses_.size()) {
            next_attempt_ = loop.call_later(
                stagger_, [this] { try_next(); }, "connect to the next address");
        }
        return;
    }
    if (!attempts_.empty()) return;
    // Not from within the constructor.
    next_attempt_ = loop.call_later(
        no_wait, [this] { finish(last_error_, {}); }, "no address answers");
}

void Connector::on_answer(std::size_t index, std::error_code error, Socket socket) {
    if (!error) return finish({}, std::move(socket));
    attempts_.erase(index);
    last_error_ = error;
    try_next();
}

void Connector::finish(std::error_code error, Socket socket) {
    disarm();
    attempts_.clear();
    Answer done = std::move(done_);
    done(error, std::move(socket)); // may destroy this
}

void Connector::disarm() noexcept {
    IOLoop* const loop = loop_.loop();
    if (loop == nullptr) return;
    loop->remove_timeout(next_attempt_);
    loop->remove_timeout(deadline_);
}

namespace {

/// A socket under way.
class SocketAttempt final : public Connector::Attempt {
public:
    SocketAttempt(Socket socket, Connector::Answer answer)
        : socket_(std::move(socket)),
          answer_(std::move(answer)) {}

    void begin(IOLoop& loop, std::error_code& error) {
        socket_.watch(
            loop, [this](Fd, Events) { on_decided(); }, Events::write, error, "connecting");
    }

private:
    void on_decided() {
        const std::error_code error = socket_.connect_error();
        socket_.unwatch();
        Socket socket = error ? Socket() : std::move(socket_);
        auto answer = std::move(answer_);
        answer(error, std::move(socket)); // destroys this
    }

    Socket socket_;
    Connector::Answer answer_;
};

} // namespace

Connector::Connect socket_connect(IOLoop& loop, const SocketAddress& from) {
    return [&loop, from](const SocketAddress& to, Connector::Answer answer,
                         std::error_code& error) -> std::unique_ptr<Connector::Attempt> {
        Socket socket = Socket::connect(to, from, error);
        if (error) return nullptr;
        auto attempt = std::make_unique<SocketAttempt>(std::move(socket), std::move(answer));
        attempt->begin(loop, error);
        if (error) return nullptr; // as a refusal: another address may do, and the caller is to hear of it
        return attempt;
    };
}

} // namespace ioloop
