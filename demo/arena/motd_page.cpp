// SPDX-License-Identifier: MIT
#include "motd_page.hpp"

#include <ioloop/join.hpp>
#include <ioloop/sleep.hpp>
#include <ioloop/spawn.hpp>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace arena {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t longest_head = 8192;
constexpr std::size_t most_drained = 65'536;
constexpr ioloop::Duration portion_period = 50ms;
constexpr std::string_view line_end = "\r\n";

/// Cuts `text` at the first `separator`, and gives what is before it; all of it, if there is none.
std::string_view take(std::string_view& text, std::string_view separator) {
    const std::size_t at = text.find(separator);
    const std::string_view before = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + separator.size());
    return before;
}

bool is_printable(std::string_view line) {
    return std::all_of(line.begin(), line.end(),
                       [](char c) { return c == '\t' || (c >= ' ' && c != '\x7f'); });
}

/// The status that a request deserves. `head` ends with an empty line.
int status_of(std::string_view head) {
    std::string_view request = take(head, line_end);
    if (!is_printable(request)) return 400;
    const std::string_view method = take(request, " ");
    const std::string_view target = take(request, " ");
    const bool named = !method.empty() &&
                       std::all_of(method.begin(), method.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!named || !target.starts_with('/') || (request != "HTTP/1.1" && request != "HTTP/1.0")) return 400;
    for (std::string_view line = take(head, line_end); !line.empty(); line = take(head, line_end)) {
        const std::size_t colon = line.find(':');
        if (!is_printable(line) || colon == 0 || colon == std::string_view::npos) return 400;
    }
    if (method != "GET") return 405;
    return target == "/motd" ? 200 : 404;
}

const char* reason_of(int status) {
    switch (status) {
    case 200: return "OK";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    default: return "Bad Request";
    }
}

ioloop::StreamOptions frugal() {
    ioloop::StreamOptions options;
    options.max_buffer = 4 * longest_head;
    options.read_chunk = longest_head;
    options.max_write_buffer = 2 * longest_motd;
    options.half_open = true; // who has asked may say that this was all
    return options;
}

ioloop::SocketAddress or_loopback(const ioloop::SocketAddress& at) {
    return at ? at : ioloop::SocketAddress::loopback(0);
}

} // namespace

MotdPage::MotdPage(ioloop::IOLoop& loop, Options options)
    : loop_(loop),
      options_(std::move(options)),
      server_(
          loop, [this](ioloop::Socket socket, const ioloop::SocketAddress&) { welcome(std::move(socket)); },
          "message of the day") {
    if (options_.text.size() > longest_motd) {
        throw std::invalid_argument("a message of the day has at most " + std::to_string(longest_motd) +
                                    " bytes, not " + std::to_string(options_.text.size()));
    }
    server_.listen(or_loopback(options_.at));
}

MotdPage::~MotdPage() {
    for (ioloop::Future<void>& visit : visits_) visit.cancel();
}

void MotdPage::welcome(ioloop::Socket socket) {
    std::erase_if(visits_, [](const ioloop::Future<void>& visit) { return visit.done(); });
    if (visits_.size() >= options_.most_visitors) {
        ++counters_.turned_away;
        return; // closed as it is
    }
    visits_.push_back(ioloop::spawn(
        loop_, receive({loop_, std::move(socket), frugal(), "visitor of the message of the day"}),
        "message of the day"));
}

ioloop::Task<> MotdPage::receive(ioloop::TcpStream stream) {
    ioloop::Duration patience = options_.patience;
    if (options_.bytes_per_second > 0) patience += options_.text.size() * 1s / options_.bytes_per_second;
    try {
        co_await ioloop::with_timeout(patience, answer(stream));
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): gone, silent, endless: he is hung up on
    }
}

ioloop::Task<> MotdPage::answer(ioloop::TcpStream& stream) {
    const std::string head = co_await stream.read_until("\r\n\r\n", longest_head);
    const std::string reply = reply_to(head);
    const std::string_view rest(reply);
    const std::size_t portion =
        options_.bytes_per_second == 0
            ? reply.size()
            : std::max<std::size_t>(options_.bytes_per_second * portion_period / 1s, 1);
    for (std::size_t sent = 0; sent < rest.size(); sent += portion) {
        if (sent > 0) co_await ioloop::sleep_for(portion_period);
        co_await stream.write(rest.substr(sent, portion));
    }
    stream.finish();
    // Closed with something unread, the connection would break, and the answer with it.
    for (std::size_t drained = 0; drained < most_drained;)
        drained += (co_await stream.read_some(longest_head)).size();
}

std::string MotdPage::reply_to(std::string_view head) {
    const int status = status_of(head);
    ++(status == 200 ? counters_.served : counters_.refused);
    const std::string body = status == 200 ? options_.text : std::string(reason_of(status)) + "\n";
    std::string reply = "HTTP/1.1 " + std::to_string(status) + " " + reason_of(status) + "\r\n";
    if (status == 405) reply += "Allow: GET\r\n";
    reply += "Content-Type: text/plain; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\nConnection: close\r\n\r\n";
    return reply + body;
}

} // namespace arena
