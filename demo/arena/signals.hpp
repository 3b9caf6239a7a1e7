// SPDX-License-Identifier: MIT
/// Signals: Ctrl-C and a polite kill, as an ordinary event of the loop: the handler of the system writes one
/// byte into a pipe, and the loop reads it. One at a time in a process.
#pragma once

#include <ioloop/io_loop.hpp>

#include <functional>

namespace arena {

class Signals {
public:
    /// Calls `on_quit` in the loop for SIGINT and SIGTERM. The second one ends the process at once.
    /// Lifetime: the loop's is longer.
    Signals(ioloop::IOLoop& loop, std::function<void()> on_quit);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals(); ///< the signals do again what they did before

private:
    ioloop::IOLoop& loop_;
    std::function<void()> on_quit_;
    ioloop::Fd reader_ = ioloop::invalid_fd;
};

} // namespace arena
