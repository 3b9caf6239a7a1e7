// SPDX-License-Identifier: MIT
// The smallest user: one post, one turn.
#include <ioloop/ioloop.hpp>

int main() {
    ioloop::IOLoop loop;
    bool called = false;
    loop.add_callback([&] { called = true; });
    loop.run_once();
    return called ? 0 : 1;
}
