// SPDX-License-Identifier: MIT
#include "workload.hpp"

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <stdexcept>

#include <sys/socket.h>
#include <unistd.h>

namespace ioloop::workload {
namespace {

using namespace std::chrono_literals;

constexpr int batch = 100; // calls a turn

class Pair {
public:
    Pair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0) {
            throw std::runtime_error("socketpair failed");
        }
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    ~Pair() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    std::array<int, 2> ends{};
};

} // namespace

double nanoseconds(Kind kind, int calls, Recorder* recorder) {
    IOLoop loop;
    if (recorder != nullptr) loop.set_observer(recorder);
    std::array<Pair, 10> pairs; // always writable
    if (kind == Kind::handlers) {
        for (const Pair& pair : pairs) {
            loop.add_handler(
                pair.ends[0], [](Fd, Events) {}, Events::write);
        }
    }
    int made = 0;
    // As programs do: from within calls.
    std::function<void()> post = [&] { loop.add_callback([&] { ++made, post(); }); };
    std::function<void()> arm = [&] { loop.call_later(0s, [&] { ++made, arm(); }); };
    for (int i = 0; i < batch; ++i) {
        if (kind == Kind::callbacks) post();
        if (kind == Kind::timeouts) arm();
    }
    const auto turn = [&] {
        const Turn done = loop.run_once();
        if (kind == Kind::handlers) made += static_cast<int>(done.handlers);
        if (kind == Kind::idle_turns) ++made;
    };
    for (int i = 0; i < 3; ++i) turn(); // what is allocated once
    made = 0;
    const auto begin = std::chrono::steady_clock::now();
    while (made < calls) turn();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    return took.count() / made;
}

} // namespace ioloop::workload
