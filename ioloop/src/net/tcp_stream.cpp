// SPDX-License-Identifier: MIT
#include "raise.hpp"
#include "tcp_stream_impl.hpp"

#include <string>
#include <utility>

namespace ioloop {

TcpStream::TcpStream() noexcept = default;

TcpStream::TcpStream(IOLoop& loop, Socket socket, const StreamOptions& options, Origin origin)
    : impl_(std::make_shared<Impl>(loop, std::move(socket), options, origin)) {
    impl_->start(false);
}

TcpStream::TcpStream(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
TcpStream::TcpStream(TcpStream&& other) noexcept = default;

TcpStream& TcpStream::operator=(TcpStream&& other) noexcept {
    if (this == &other) return *this;
    const auto earlier = std::exchange(impl_, std::move(other.impl_));
    if (earlier) earlier->abandon();
    return *this;
}

TcpStream::~TcpStream() {
    if (impl_) impl_->abandon();
}

TcpStream TcpStream::connect(IOLoop& loop, const SocketAddress& to, const StreamOptions& options,
                             Origin origin) {
    std::error_code error;
    Socket socket = Socket::connect(to, error);
    auto impl = std::make_shared<Impl>(loop, std::move(socket), options, origin);
    if (error)
        impl->start_closed(error, to);
    else
        impl->start(true);
    return TcpStream(std::move(impl));
}

TcpStream::Impl& TcpStream::impl(const char* member) const {
    if (impl_ == nullptr)
        raise(std::logic_error(std::string("TcpStream::").append(member).append(": no stream")));
    return *impl_;
}

Future<void> TcpStream::connected(Origin origin) { return impl("connected").connected(origin); }

Future<std::string> TcpStream::read_bytes(std::size_t size, Origin origin) {
    return impl("read_bytes").read(ReadGoal::bytes(size), origin);
}
Future<std::string> TcpStream::read_some(std::size_t most, Origin origin) {
    return impl("read_some").read(ReadGoal::some(most), origin);
}
Future<std::string> TcpStream::read_until(std::string_view delimiter, std::size_t max_bytes, Origin origin) {
    Impl& impl = this->impl("read_until");
    if (delimiter.empty()) raise(std::invalid_argument("TcpStream::read_until: an empty delimiter"));
    return impl.read(ReadGoal::until(delimiter, max_bytes), origin);
}
Future<std::string> TcpStream::read_until_close(Origin origin) {
    return impl("read_until_close").read(ReadGoal::everything(), origin);
}
Future<std::size_t> TcpStream::read_into(std::span<std::uint8_t> into, bool partial, Origin origin) {
    return impl("read_into")
        .read_into(partial ? ReadGoal::some(into.size()) : ReadGoal::bytes(into.size()), into, origin);
}

Future<void> TcpStream::write(std::string_view bytes, Origin origin) {
    return impl("write").write(bytes, 0, origin);
}
void TcpStream::finish() { impl("finish").finish(); }
void TcpStream::set_no_delay(bool on) noexcept {
    if (is_open()) impl_->socket().set_no_delay(on);
}

void TcpStream::close() {
    if (impl_) impl_->close({});
}
bool TcpStream::is_open() const noexcept { return impl_ && impl_->socket(); }
std::error_code TcpStream::error() const noexcept { return impl_ ? impl_->error() : std::error_code(); }
void TcpStream::set_on_close(Callback callback, Origin origin) {
    impl("set_on_close").set_on_close(std::move(callback), origin);
}

Flow TcpStream::flow() const noexcept { return impl_ ? impl_->flow() : Flow(); }
std::size_t TcpStream::unread() const noexcept { return impl_ ? impl_->unread() : 0; }
std::size_t TcpStream::unsent() const noexcept { return impl_ ? impl_->unsent() : 0; }

Fd TcpStream::fd() const noexcept { return impl_ ? impl_->socket().fd() : invalid_fd; }
SocketAddress TcpStream::local() const noexcept {
    return is_open() ? impl_->socket().local() : SocketAddress();
}
SocketAddress TcpStream::peer() const noexcept { return impl_ ? impl_->peer() : SocketAddress(); }

} // namespace ioloop
