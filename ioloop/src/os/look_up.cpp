// SPDX-License-Identifier: MIT
/// The system's half of net/resolver.hpp.
#include "last_error.hpp"

#include <ioloop/net/resolver.hpp>

#include <algorithm>
#include <memory>

#ifdef _WIN32
#include "winsock.hpp"

#include <ws2tcpip.h>
#else
#include <netdb.h>
#include <sys/socket.h>
#endif

namespace ioloop {
namespace {

class LookupCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "lookup"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
};

#ifdef _WIN32
std::error_code ready() noexcept { return start_winsock(); }
#else
std::error_code ready() noexcept { return {}; }
#endif

std::error_code error_of(int code) noexcept {
#ifdef EAI_SYSTEM
    if (code == EAI_SYSTEM) return last_error();
#endif
    return {code, lookup_category()};
}

} // namespace

const std::error_category& lookup_category() noexcept {
    static const LookupCategory category;
    return category;
}

std::vector<SocketAddress> look_up(const std::string& host, std::uint16_t port, std::error_code& error) {
    std::vector<SocketAddress> addresses;
    error = ready();
    if (error) return addresses;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM; // else every address comes three times
    hints.ai_flags = AI_ADDRCONFIG;  // no IPv6 where there is none
    addrinfo* list = nullptr;
    const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (code != 0) {
        error = error_of(code);
        return addresses;
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
    for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
        SocketAddress address(at->ai_addr, at->ai_addrlen);
        if (!address) continue;
        address.set_port(port);
        if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
            addresses.push_back(address);
    }
    if (addresses.empty()) error = {EAI_NONAME, lookup_category()};
    return addresses;
}

} // namespace ioloop
