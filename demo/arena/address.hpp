// SPDX-License-Identifier: MIT
/// Address: an IP address and a port, as a value. Knows how to be read, written and looked up.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

struct sockaddr;

namespace arena {

class Address {
public:
    Address() = default; ///< no address
    Address(const sockaddr* from, std::size_t size) noexcept;

    /// Reads "127.0.0.1" or "::1"; looks nothing up. No address if it is not numeric.
    static Address numeric(const std::string& host, std::uint16_t port);

    explicit operator bool() const noexcept { return size_ != 0; }
    int family() const noexcept;
    std::uint16_t port() const noexcept;
    void set_port(std::uint16_t port) noexcept;
    std::string host() const;
    std::string to_string() const; ///< "127.0.0.1:4242", "[::1]:4242"

    const sockaddr* data() const noexcept;
    std::size_t size() const noexcept { return size_; }

    friend bool operator==(const Address& a, const Address& b) noexcept;

private:
    static constexpr std::size_t capacity = 28; ///< of a sockaddr_in6, which is the larger of the two
    alignas(8) std::array<std::byte, capacity> bytes_{};
    std::size_t size_ = 0;
};

/// Asks the system's resolver, and waits for it: seconds, if it must. For a worker thread; see Resolver.
/// Thread: any.
std::vector<Address> look_up(const std::string& host, std::uint16_t port, std::error_code& error);

/// Errors of look_up(): what getaddrinfo() answers, in its own words.
const std::error_category& lookup_category() noexcept;

} // namespace arena
