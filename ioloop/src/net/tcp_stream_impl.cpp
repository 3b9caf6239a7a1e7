// SPDX-License-Identifier: MIT
#include "tcp_stream_impl.hpp"

#include "open_loop.hpp"
#include "quiet_failure.hpp"
#include "raise.hpp"

#include <ioloop/context.hpp>

#include <algorithm>
#include <utility>

namespace ioloop {
namespace {

constexpr std::size_t first_chunk = 4096;                      ///< bytes; idle streams keep no more
constexpr std::size_t most_in_a_call = std::size_t{256} << 10; ///< bytes: then it is the turn of others
constexpr std::size_t most_to_send = std::size_t{128} << 10;   ///< bytes at once: Windows sends no more well

bool would_block(const std::error_code& error) noexcept {
    return error == std::errc::resource_unavailable_try_again;
}

} // namespace

TcpStream::Impl::Impl(IOLoop& loop, Socket socket, const StreamOptions& options, const Origin& origin)
    : loop_(loop),
      socket_(std::move(socket)),
      options_(options),
      origin_(origin) {
    if (options_.max_buffer == 0 || options_.read_chunk == 0)
        raise(std::invalid_argument("StreamOptions: max_buffer and read_chunk are at least 1"));
    options_.read_chunk =
        std::clamp<std::size_t>(options_.read_chunk, 1, std::max<std::size_t>(options_.max_buffer / 2, 1));
    chunk_ = std::min(options_.read_chunk, first_chunk);
}

void TcpStream::Impl::start(bool connecting) {
    connected_ = !connecting;
    if (connected_) peer_ = socket_.peer();
    watch(wanted_events());
}

void TcpStream::Impl::start_closed(std::error_code error, const SocketAddress& peer) {
    error_ = error;
    peer_ = peer;
    input_ended_ = true;
}

// ---- the loop calls -----------------------------------------------------------------------------

void TcpStream::Impl::watch(Events events) {
    const NullContext none; // each read and write has its own
    socket_.watch(
        open_loop(loop_, "TcpStream", &origin_),
        [weak = weak_from_this()](Fd, Events ready) {
            if (const auto self = weak.lock()) self->on_ready(ready);
        },
        events, origin_);
    socket_.set_flow(&flow_);
    watched_for_ = events;
}

Events TcpStream::Impl::wanted_events() const noexcept {
    if (!connected_) return Events::write;
    Events wanted = wants_to_receive() ? Events::read : Events::none;
    if (!out_.empty()) wanted |= Events::write;
    return wanted;
}

void TcpStream::Impl::ask_for(Events events) {
    if (!socket_) return;
    if (loop_.closed()) return close(std::make_error_code(std::errc::operation_canceled));
    if (!socket_.watched()) {
        if (any(events)) watch(events);
    } else if (events != watched_for_) {
        socket_.watch_for(events);
        watched_for_ = events;
    }
}

void TcpStream::Impl::on_ready(Events events) {
    if (!connected_ && !is_connected()) return;
    const bool failed = any(events & Events::error);
    bool nothing_came = false;
    if ((failed || any(events & Events::read)) && wants_to_receive()) nothing_came = !receive(true);
    if (socket_ && (failed || any(events & Events::write)) && !out_.empty()) flush();
    if (!socket_) return;
    if (failed) on_error_event(nothing_came);
    if (socket_ && socket_.watched()) ask_for(wanted_events());
}

bool TcpStream::Impl::is_connected() {
    const std::error_code error = socket_.connect_error();
    if (error) {
        close(error);
        return false;
    }
    connected_ = true;
    peer_ = socket_.peer();
    if (connecting_) {
        Promise<void> promise = std::move(*connecting_);
        connecting_.reset();
        promise.set_value();
    }
    end_output(); // asked for by now, perhaps, with nothing to send
    return static_cast<bool>(socket_);
}

/// The peer is gone, but not what it sent before: that is for reading to find out.
void TcpStream::Impl::on_error_event(bool nothing_came) {
    if (nothing_came) {
        if (const std::error_code error = socket_.connect_error()) close(error);
    } else if (input_ended_) {
        // The other direction has ended, too; with an error, or because the peer has closed.
        const std::error_code error = socket_.connect_error();
        close(error == std::errc::connection_reset ? error : std::error_code());
    } else if (!wants_to_receive() && out_.empty()) {
        // Until somebody reads what waits here; else the loop would call over and over.
        socket_.unwatch();
        watched_for_ = Events::none;
    }
}

// ---- reading ------------------------------------------------------------------------------------

void TcpStream::Impl::require_no_read() const {
    if (read_ && read_->wanted()) raise(std::logic_error("TcpStream: there is a read under way already"));
}

Future<std::string> TcpStream::Impl::read(ReadGoal goal, const Origin& origin) {
    require_no_read();
    auto promise = make_promise<std::string>(origin);
    auto future = promise.future();
    begin_read({std::move(goal), std::move(promise)});
    return future;
}

Future<std::size_t> TcpStream::Impl::read_into(ReadGoal goal, std::span<std::uint8_t> into,
                                               const Origin& origin) {
    require_no_read();
    auto promise = make_promise<std::size_t>(origin);
    auto future = promise.future();
    begin_read({std::move(goal), std::move(promise), into});
    return future;
}

void TcpStream::Impl::begin_read(PendingRead read) {
    const auto self = shared_from_this();
    if (read.goal().least() > options_.max_buffer) {
        return read.fail(std::make_exception_ptr(BufferFull("a read of more than max_buffer bytes")));
    }
    read_.reset();
    read_.emplace(std::move(read));
    look();
    if (read_ && connected_ && wants_to_receive()) receive(false);
    if (input_ended_) fail_read(closed_exception());
    ask_for(watched_for_ | wanted_events());
}

bool TcpStream::Impl::wants_to_receive() const noexcept {
    return socket_ && !input_ended_ && (in_.empty() || (read_ && read_->wanted()));
}

/// False if the system has nothing for now.
bool TcpStream::Impl::receive(bool from_loop) {
    for (std::size_t received = 0; received < most_in_a_call && wants_to_receive();) {
        const std::size_t left = options_.max_buffer - in_.size();
        if (left == 0) {
            close(std::make_error_code(std::errc::no_buffer_space));
            break;
        }
        const std::span<std::uint8_t> room = in_.room(std::min(chunk_, left));
        std::error_code error;
        const std::size_t size = socket_.receive(room, error);
        if (would_block(error)) return received > 0;
        if (error) {
            // An end of a pipe that can only be written to; the loop has called because nobody reads the other one.
            if (from_loop && error == std::errc::bad_file_descriptor)
                error = std::make_error_code(std::errc::broken_pipe);
            close(error);
            break;
        }
        if (size == 0) {
            on_end_of_input();
            break;
        }
        in_.add(size);
        flow_.bytes_in += size;
        flow_.waiting_in = in_.size();
        received += size;
        look();
        if (size < room.size()) break; // that was all
        chunk_ = std::min(2 * chunk_, options_.read_chunk);
    }
    return true;
}

void TcpStream::Impl::on_end_of_input() {
    input_ended_ = true;
    look();
    if (output_ended_ || write_error_ || (!options_.half_open && out_.empty())) return close({});
    fail_read(closed_exception());
    if (!options_.half_open) finish();
}

void TcpStream::Impl::look() {
    if (!read_) return;
    if (!read_->wanted()) return read_.reset();
    switch (read_->goal().look(in_.text(), input_ended_ && !error_)) {
    case ReadGoal::State::waiting: return;
    case ReadGoal::State::unreachable: {
        const auto error = std::make_error_code(std::errc::message_size);
        fail_read(std::make_exception_ptr(
            StreamClosed(error))); // it is closed already, perhaps, for another reason
        return close(error);
    }
    case ReadGoal::State::reached: break;
    }
    PendingRead read = std::move(*read_);
    read_.reset();
    if (read.deliver(in_) && read.goal().is_message()) ++flow_.messages_in;
    flow_.waiting_in = in_.size();
}

void TcpStream::Impl::fail_read(std::exception_ptr error) {
    if (!read_) return;
    PendingRead read = std::move(*read_);
    read_.reset();
    read.fail(std::move(error));
}

// ---- writing ------------------------------------------------------------------------------------

Future<void> TcpStream::Impl::write(std::string_view bytes, std::uint64_t messages, const Origin& origin) {
    const auto self = shared_from_this();
    auto promise = make_promise<void>(origin);
    auto future = promise.future();
    if (socket_ && loop_.closed()) close(std::make_error_code(std::errc::operation_canceled));
    if (!socket_ || finishing_ || write_error_) {
        detail::fail_quietly(promise, closed_exception());
    } else if (bytes.size() > options_.max_write_buffer - out_.size()) {
        detail::fail_quietly(promise, std::make_exception_ptr(BufferFull(
                                          "a write that makes more than max_write_buffer bytes wait")));
    } else {
        std::error_code error;
        if (connected_ && out_.empty()) {
            const auto* const data = reinterpret_cast<const std::uint8_t*>(bytes.data());
            bytes.remove_prefix(send({data, bytes.size()}, error));
        }
        if (error) {
            on_write_error(error);
            detail::fail_quietly(promise, closed_exception());
        } else {
            out_.push(bytes, std::move(promise));
            flow_.messages_out += messages;
            flow_.waiting_out = out_.size();
            ask_for(watched_for_ | wanted_events());
        }
    }
    return future;
}

/// How many: fewer without an error if the system takes no more for now, or others are to have their turn.
std::size_t TcpStream::Impl::send(std::span<const std::uint8_t> bytes, std::error_code& error) noexcept {
    std::size_t sent = 0;
    while (sent < std::min(bytes.size(), most_in_a_call)) {
        const auto piece = bytes.subspan(sent, std::min(bytes.size() - sent, most_to_send));
        const std::size_t size = socket_.send(piece, error);
        sent += size;
        if (size < piece.size()) break;
    }
    if (would_block(error)) error.clear();
    flow_.bytes_out += sent;
    return sent;
}

void TcpStream::Impl::flush() {
    std::error_code error;
    const std::size_t size = send(out_.bytes(), error);
    out_.sent(size);
    flow_.waiting_out = out_.size();
    if (error) return on_write_error(error);
    end_output();
}

/// Nothing can be sent any more; but what the peer sent before is to be read still.
void TcpStream::Impl::on_write_error(std::error_code error) {
    write_error_ = error;
    finishing_ = true;
    if (input_ended_) return close(error);
    out_.fail(closed_exception());
    flow_.waiting_out = 0;
    if (wants_to_receive()) receive(true); // not every poller would tell of a pipe
}

void TcpStream::Impl::finish() {
    if (!socket_) return;
    const auto self = shared_from_this();
    finishing_ = true;
    end_output();
}

void TcpStream::Impl::end_output() {
    if (!socket_ || !finishing_ || output_ended_ || !connected_ || !out_.empty() || write_error_) return;
    output_ended_ = true;
    if (input_ended_) return close({});
    std::error_code error;
    socket_.shut_down_sending(error);
    if (error == std::errc::not_a_socket) close({}); // the end of a pipe has one direction
}

// ---- the end ------------------------------------------------------------------------------------

Future<void> TcpStream::Impl::connected(const Origin& origin) {
    if (socket_ && loop_.closed()) close(std::make_error_code(std::errc::operation_canceled));
    if (!connected_ && socket_) {
        if (!connecting_ || connecting_->done()) connecting_.emplace(make_promise<void>(origin));
        return connecting_->future();
    }
    auto promise = make_promise<void>(origin);
    auto future = promise.future();
    if (connected_)
        promise.set_value();
    else
        detail::fail_quietly(promise, closed_exception());
    return future;
}

void TcpStream::Impl::close(std::error_code cause) {
    if (!socket_) return;
    const auto self = shared_from_this();
    error_ = cause ? cause : write_error_;
    input_ended_ = true;
    socket_.close();
    look();
    fail_read(closed_exception());
    if (connecting_) {
        Promise<void> promise = std::move(*connecting_);
        connecting_.reset();
        detail::fail_quietly(promise, closed_exception());
    }
    out_.fail(closed_exception());
    flow_.waiting_out = 0;
    post_on_close();
}

void TcpStream::Impl::abandon() {
    on_close_ = nullptr;
    close({});
}

void TcpStream::Impl::set_on_close(Callback callback, const Origin& origin) {
    on_close_ = callback ? Callback(wrap(std::move(callback))) : Callback();
    on_close_origin_ = origin;
    if (!socket_) post_on_close();
}

void TcpStream::Impl::post_on_close() {
    if (!on_close_) return;
    const NullContext none; // it has its own
    loop_.deliver(
        [weak = weak_from_this()] {
            const auto self = weak.lock();
            Callback callback = self ? std::exchange(self->on_close_, nullptr) : nullptr;
            if (callback) callback();
        },
        on_close_origin_);
}

std::exception_ptr TcpStream::Impl::closed_exception() const {
    return std::make_exception_ptr(StreamClosed(error_ ? error_ : write_error_));
}

template <class T> Promise<T> TcpStream::Impl::make_promise(const Origin& origin) const {
    IOLoop* const loop = loop_.loop();
    return loop != nullptr ? Promise<T>(*loop, origin) : Promise<T>(origin);
}

} // namespace ioloop
