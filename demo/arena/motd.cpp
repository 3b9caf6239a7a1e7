// SPDX-License-Identifier: MIT
#include "motd.hpp"

#include <ioloop/curl.hpp>
#include <ioloop/net/socket_address.hpp>
#include <ioloop/spawn.hpp>
#include <ioloop/task.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace arena {
namespace {

constexpr std::uint64_t longest_page = 65'536; // bytes

/// Without what is no text: control characters, also those that UTF-8 writes with two bytes.
std::string plain(std::string_view page) {
    std::string text;
    for (std::size_t i = 0; i < page.size(); ++i) {
        const auto byte = static_cast<unsigned char>(page[i]);
        const auto next = static_cast<unsigned char>(i + 1 < page.size() ? page[i + 1] : 0);
        if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            ++i;
        } else if (byte == '\t') {
            text += "    ";
        } else if (byte == '\n' || (byte >= ' ' && byte != 0x7f)) {
            text += page[i];
        }
    }
    text.erase(text.find_last_not_of(" \n") + 1);
    return text;
}

/// At most so many bytes, and no part of a character.
std::string cut(std::string text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return text.substr(0, most) + " ...";
}

std::string url_of(const std::string& server, std::uint16_t port) {
    ioloop::SocketAddress at = ioloop::SocketAddress::parse(server);
    if (!at || port == 0) return {};
    at.set_port(port);
    return "http://" + at.to_string() + "/motd";
}

} // namespace

class Motd::Impl {
public:
    Impl(ioloop::IOLoop& loop, std::function<void(const std::string&)> log, Options options)
        : loop_(loop),
          log_(std::move(log)),
          options_(options),
          http_(loop) {}
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { stop(); }

    void ask(const std::string& server, std::uint16_t port) {
        if (server == server_ && port == port_) return;
        server_ = server;
        port_ = port;
        stop();
        view = {};
        const std::string url = url_of(server, port);
        if (url.empty()) return;
        view.loading = true;
        loading_ = ioloop::spawn(loop_, load(url), "message of the day");
    }

    void dismiss() {
        if (!view.text.empty()) view.until = std::min(view.until, loop_.time());
    }

    View view;

private:
    void stop() {
        if (loading_.valid()) loading_.cancel();
    }

    ioloop::Task<> load(std::string url) {
        try {
            ioloop::curl::Request request{.url = std::move(url),
                                          .timeout = options_.timeout,
                                          .redirects = 0,
                                          .max_body = longest_page,
                                          .proxies = false};
            const auto coming = http_.request(std::move(request), [this](ioloop::curl::Progress progress) {
                view.done = progress.done;
                view.total = progress.total;
            });
            view.text = text_of(co_await coming);
            view.since = loop_.time();
        } catch (const std::exception& error) {
            log_(std::string("no message of the day: ") + error.what());
        }
        view.loading = false;
    }

    /// Errors: std::runtime_error if it is none.
    std::string text_of(const ioloop::curl::Response& page) const {
        if (page.status != 200) throw std::runtime_error("status " + std::to_string(page.status));
        const std::string* type = ioloop::curl::find(page.headers, "content-type");
        if (type == nullptr || !type->starts_with("text/plain"))
            throw std::runtime_error("it is no plain text");
        return cut(plain(page.body), options_.longest_shown);
    }

    ioloop::IOLoop& loop_;
    std::function<void(const std::string&)> log_;
    Options options_;
    std::string server_; ///< the last that was asked
    std::uint16_t port_ = 0;
    ioloop::curl::HttpClient http_;
    ioloop::Future<void> loading_;
};

Motd::Motd(ioloop::IOLoop& loop, std::function<void(const std::string&)> log)
    : Motd(loop, std::move(log), Options()) {}
Motd::Motd(ioloop::IOLoop& loop, std::function<void(const std::string&)> log, Options options)
    : impl_(std::make_unique<Impl>(loop, std::move(log), options)) {}
Motd::~Motd() = default;

void Motd::ask(const std::string& server, std::uint16_t port) { impl_->ask(server, port); }
void Motd::dismiss() { impl_->dismiss(); }
const Motd::View& Motd::view() const noexcept { return impl_->view; }

} // namespace arena
