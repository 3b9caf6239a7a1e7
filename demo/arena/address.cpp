// SPDX-License-Identifier: MIT
#include "address.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace arena {
namespace {

class LookupCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "lookup"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

using Results = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Results ask(const std::string& host, std::uint16_t port, int flags, std::error_code& error) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM; // else every address comes three times
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (code == EAI_SYSTEM) {
        error.assign(errno, std::system_category());
    } else if (code != 0) {
        error.assign(code, lookup_category());
    } else {
        error.clear();
    }
    return Results(code == 0 ? list : nullptr, &::freeaddrinfo);
}

} // namespace

const std::error_category& lookup_category() noexcept {
    static const LookupCategory category;
    return category;
}

Address::Address(const sockaddr* from, std::size_t size) noexcept {
    const bool known = (from->sa_family == AF_INET && size >= sizeof(sockaddr_in)) ||
                       (from->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6));
    static_assert(sizeof(sockaddr_in6) <= capacity && sizeof(sockaddr_in) <= capacity);
    if (!known) return;
    size_ = from->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    std::memcpy(bytes_.data(), from, size_);
}

Address Address::numeric(const std::string& host, std::uint16_t port) {
    // getaddrinfo() would take an empty name for "any", and stop reading at a zero byte.
    if (host.empty() || host.find('\0') != std::string::npos) return {};
    std::error_code error;
    const Results results = ask(host, port, AI_NUMERICHOST, error);
    return results ? Address(results->ai_addr, results->ai_addrlen) : Address{};
}

const sockaddr* Address::data() const noexcept { return reinterpret_cast<const sockaddr*>(bytes_.data()); }
int Address::family() const noexcept { return size_ == 0 ? AF_UNSPEC : data()->sa_family; }

std::uint16_t Address::port() const noexcept {
    if (size_ == 0) return 0;
    // The port is at the same place in both.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    std::uint16_t port = 0;
    std::memcpy(&port, bytes_.data() + offsetof(sockaddr_in, sin_port), sizeof port);
    return ntohs(port);
}

void Address::set_port(std::uint16_t port) noexcept {
    port = htons(port);
    std::memcpy(bytes_.data() + offsetof(sockaddr_in, sin_port), &port, sizeof port);
}

std::string Address::host() const {
    char text[INET6_ADDRSTRLEN] = "";
    const bool v6 = family() == AF_INET6;
    const std::size_t offset = v6 ? offsetof(sockaddr_in6, sin6_addr) : offsetof(sockaddr_in, sin_addr);
    if (size_ != 0) ::inet_ntop(family(), bytes_.data() + offset, text, sizeof text);
    return text;
}

std::string Address::to_string() const {
    if (size_ == 0) return "nowhere";
    const bool v6 = family() == AF_INET6;
    std::string text = v6 ? "[" : "";
    text += host();
    text += v6 ? "]:" : ":";
    text += std::to_string(port());
    return text;
}

bool operator==(const Address& a, const Address& b) noexcept {
    return a.size_ == b.size_ && std::equal(a.bytes_.begin(), a.bytes_.end(), b.bytes_.begin());
}

std::vector<Address> look_up(const std::string& host, std::uint16_t port, std::error_code& error) {
    std::vector<Address> addresses;
    const Results results = ask(host, port, AI_ADDRCONFIG, error);
    for (const addrinfo* at = results.get(); at != nullptr; at = at->ai_next) {
        const Address address(at->ai_addr, at->ai_addrlen);
        if (address && std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
            addresses.push_back(address);
        }
    }
    return addresses;
}

} // namespace arena
