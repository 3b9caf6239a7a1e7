// SPDX-License-Identifier: MIT
// A turn with a callback and a timeout, tasks, work on another thread, and an error that comes back as a value: all
// that a program without exceptions can see. The two headers include all others.
#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <cstdio>
#include <system_error>

using namespace std::chrono_literals;

static ioloop::Task<int> answer() {
    co_await ioloop::all(ioloop::next_turn(), ioloop::sleep_for(1ms));
    const int half = co_await ioloop::IOLoop::current()->run_in_executor([] { return 21; });
    co_return co_await ioloop::with_timeout(10s, [](int x) -> ioloop::Task<int> { co_return 2 * x; }(half));
}

int main() {
    ioloop::IOLoop loop;

    bool called = false;
    bool expired = false;
    loop.add_callback([&] { called = true; });
    loop.call_later(ioloop::Duration::zero(), [&] { expired = true; });
    while (!called || !expired) {
        loop.run_once(std::chrono::milliseconds(10));
    }

    if (loop.run_sync(answer) != 42) {
        std::puts("the tasks came to something else");
        return 1;
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
