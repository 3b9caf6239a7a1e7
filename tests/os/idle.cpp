// SPDX-License-Identifier: MIT
// What system_calls.cmake watches: a loop with a descriptor and a deadline, and nothing to do. Between the two
// marks, the loop makes the system calls that are counted.
//
//   idle pumped       1000 turns that do not wait
//   idle sleeping     two seconds of start(), with deadlines at 0.5, 1.25 and 2 seconds
//   idle refused      io_uring is not to be had here
//
// And, for scripts:
//
//   idle pollers      says which there are, a name a line
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// A system call that fails, and that nobody else makes.
void mark(std::string_view text) { (void)!::write(-1, text.data(), text.size()); }

int pumped() {
    SocketPair pair;
    IOLoop loop;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "a silent peer");
    loop.call_later(
        1h, [] {}, "far away");
    for (int turn = 0; turn < 100; ++turn)
        loop.run_once(); // some pollers want to be sure that nothing happens
    mark("begin");
    for (int turn = 0; turn < 1000; ++turn) loop.run_once();
    mark("end");
    return 0;
}

int sleeping() {
    SocketPair pair;
    IOLoop loop;
    int fired = 0;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "a silent peer");
    // Whatever happens but once (an old kernel is asked for a younger one's call, a sanitizer has a look at each type) happens
    // here. It must sleep for that: the deadline is far enough off for a busy machine, too.
    loop.call_later(200ms, [&] { loop.stop(); });
    loop.start();
    const TimePoint begin = loop.time();
    loop.call_at(begin + 500ms, [&] { ++fired; });
    loop.call_at(begin + 1250ms, [&] { ++fired; });
    loop.call_at(begin + 2s, [&] { loop.stop(); });
    mark("begin");
    loop.start();
    mark("end");
    return fired == 2 && loop.time() >= begin + 2s ? 0 : 1;
}

int refused() {
    const auto kinds = available_pollers();
    if (std::ranges::find(kinds, PollerKind::io_uring) != kinds.end()) {
        std::puts("io_uring is offered, and the kernel refuses it");
        return 1;
    }
    try {
        make_poller(PollerKind::io_uring);
    } catch (const std::system_error& error) {
        std::puts(error.what());
        return std::string_view(error.what()).find("io_uring") != std::string_view::npos ? 0 : 1;
    }
    std::puts("io_uring was made, and the kernel refuses it");
    return 1;
}

} // namespace

int main(int, char** arguments) {
    const std::string_view how = arguments[1] != nullptr ? arguments[1] : "";
    if (how == "pumped") return pumped();
    if (how == "sleeping") return sleeping();
    if (how == "refused") return refused();
    if (how == "pollers") {
        for (const PollerKind kind : available_pollers()) std::puts(std::string(name_of(kind)).c_str());
        return 0;
    }
    return 2;
}
