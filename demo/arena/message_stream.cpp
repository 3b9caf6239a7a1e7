// SPDX-License-Identifier: MIT
#include "message_stream.hpp"

#include <array>
#include <utility>

namespace arena {

MessageStream::MessageStream(ioloop::IOLoop& loop, Socket socket, Events events, ioloop::Origin origin)
    : loop_(loop),
      socket_(std::move(socket)),
      events_(std::make_shared<Events>(std::move(events))) {
    socket_.watch(
        loop_, [this](ioloop::Fd, ioloop::Events ready) { on_ready(ready); }, ioloop::Events::read, origin);
}

MessageStream::~MessageStream() { *alive_ = false; }

void MessageStream::close() noexcept { socket_.close(); }

bool MessageStream::send(Bytes message) {
    if (!open()) return false;
    if (queued() + message.size() > most_queued) {
        fail_soon("it does not read what it is sent");
        return false;
    }
    ++counters_.messages_out;
    out_.insert(out_.end(), message.begin(), message.end());
    if (queued() > message.size()) return true; // others wait before it: the loop will say when
    return flush();
}

bool MessageStream::flush() {
    while (sent_ < out_.size()) {
        const Transfer sent = socket_.send(Bytes(out_).subspan(sent_));
        if (sent.status == Transfer::Status::failed) {
            fail_soon(sent.error.message());
            return false;
        }
        if (!sent.done()) break;
        sent_ += sent.size;
        counters_.bytes_out += sent.size;
    }
    if (sent_ == out_.size()) {
        out_.clear();
        sent_ = 0;
    } else if (sent_ > most_queued / 2) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
    using enum ioloop::Events;
    socket_.watch_for(out_.empty() ? read : read | write);
    return true;
}

void MessageStream::on_ready(ioloop::Events ready) {
    // An error is told by reading, after everything that came before it.
    if (ioloop::any(ready & (ioloop::Events::read | ioloop::Events::error)) && !read()) return;
    if (ioloop::any(ready & ioloop::Events::write)) flush();
}

bool MessageStream::read() {
    std::array<std::uint8_t, 4096> chunk;
    const Transfer got = socket_.receive(chunk);
    switch (got.status) {
    case Transfer::Status::later: return true;
    case Transfer::Status::closed: fail("the connection was closed"); return false;
    case Transfer::Status::failed: fail(got.error.message()); return false;
    case Transfer::Status::done: break;
    }
    counters_.bytes_in += got.size;
    splitter_.feed(Bytes(chunk).first(got.size));

    const auto alive = alive_;
    const auto events = events_;
    while (const auto message = splitter_.next()) {
        ++counters_.messages_in;
        events->on_message(*message);
        if (!*alive || !open()) return false;
    }
    if (splitter_.broken()) {
        fail("it sends garbage");
        return false;
    }
    return true;
}

/// Closes and tells. The last thing to do: the owner may destroy the stream.
void MessageStream::fail(std::string reason) {
    close();
    const auto on_close = std::exchange(events_->on_close, nullptr);
    if (on_close) on_close(reason);
}

/// The same from within a member that the owner called: it is told in the next turn.
void MessageStream::fail_soon(std::string reason) {
    close();
    loop_.add_callback(
        [this, alive = alive_, reason = std::move(reason)] {
            if (*alive) fail(reason);
        },
        "stream closed");
}

} // namespace arena
