// SPDX-License-Identifier: MIT
#include "process.hpp"
#include "winsock.hpp"

namespace ioloop {

std::error_code start_winsock() noexcept {
    static const int error = [] {
        WSADATA data{};
        return ::WSAStartup(MAKEWORD(2, 2), &data);
    }();
    return {error, std::system_category()};
}

void close_fd(Fd fd) noexcept { ::closesocket(to_socket(fd)); }

constinit std::atomic<std::uint32_t> forks{0}; // there is no fork()

void wait_while(std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
    static_assert(sizeof value == sizeof old && std::atomic<std::uint32_t>::is_always_lock_free);
    ::WaitOnAddress(&value, &old, sizeof old, INFINITE);
}

void notify_waiters(std::atomic<std::uint32_t>& value) noexcept { ::WakeByAddressAll(&value); }

} // namespace ioloop
