// SPDX-License-Identifier: MIT
#include "connector.hpp"

#include <utility>

namespace arena {

Connector::Connector(ioloop::IOLoop& loop, std::vector<Address> addresses, ioloop::Duration timeout,
                     Done done)
    : loop_(loop),
      addresses_(std::move(addresses)),
      last_error_(std::make_error_code(std::errc::host_unreachable)),
      done_(std::move(done)) {
    deadline_ = loop_.call_later(
        timeout, [this] { finish(std::make_error_code(std::errc::timed_out), {}, {}); }, "connect timeout");
    next_attempt_ = loop_.call_later(
        ioloop::no_wait, [this] { try_next(); }, "connect to the next address");
}

Connector::~Connector() {
    loop_.remove_timeout(deadline_);
    loop_.remove_timeout(next_attempt_);
}

void Connector::try_next() {
    while (next_ < addresses_.size()) {
        const Address& peer = addresses_[next_++];
        Socket socket = Socket::connect(peer, last_error_);
        if (!socket) continue;
        attempts_.push_back(std::make_unique<Attempt>(Attempt{std::move(socket), peer}));
        Attempt& attempt = *attempts_.back();
        attempt.socket.watch(
            loop_, [this, &attempt](ioloop::Fd, ioloop::Events) { on_decided(attempt); },
            ioloop::Events::write, "connecting");
        loop_.remove_timeout(next_attempt_);
        if (next_ < addresses_.size()) {
            next_attempt_ = loop_.call_later(
                stagger, [this] { try_next(); }, "connect to the next address");
        }
        return;
    }
    if (attempts_.empty()) finish(last_error_, {}, {});
}

void Connector::on_decided(Attempt& attempt) {
    std::error_code error = attempt.socket.take_error();
    // A port that nobody listens on can, by chance, be the one that we are given ourselves: TCP then
    // connects us to us.
    if (!error && attempt.socket.address() == attempt.peer) {
        error = std::make_error_code(std::errc::connection_refused);
    }
    if (!error) {
        attempt.socket.unwatch();
        finish({}, std::move(attempt.socket), attempt.peer);
        return;
    }
    last_error_ = error;
    std::erase_if(attempts_, [&](const auto& other) { return other.get() == &attempt; });
    try_next();
}

void Connector::finish(std::error_code error, Socket socket, Address peer) {
    attempts_.clear();
    loop_.remove_timeout(deadline_);
    loop_.remove_timeout(next_attempt_);
    std::exchange(done_, nullptr)(error, std::move(socket), peer);
}

} // namespace arena
