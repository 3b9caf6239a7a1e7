// SPDX-License-Identifier: MIT
// A turn with a callback and a timeout, and an error that comes back as a value: all that a program without
// exceptions can see.
#include <ioloop/ioloop.hpp>

#include <cstdio>
#include <system_error>

int main() {
    ioloop::IOLoop loop;

    bool called = false;
    bool expired = false;
    loop.add_callback([&] { called = true; });
    loop.call_later(ioloop::Duration::zero(), [&] { expired = true; });
    while (!called || !expired) {
        loop.run_once(std::chrono::milliseconds(10));
    }

    std::error_code error;
    loop.add_handler(
        -1, [](ioloop::Fd, ioloop::Events) {}, ioloop::Events::read, error);
    if (!error) {
        std::puts("a descriptor that is none was accepted");
        return 1;
    }
    return 0;
}
