// SPDX-License-Identifier: MIT
/// Signals: Ctrl-C and a polite kill, as an ordinary event of the loop. One at a time in a process.
#pragma once

#include <ioloop/io_loop.hpp>

#include <csignal>
#include <functional>
#include <utility>

namespace arena {

class Signals {
public:
    /// Calls `on_quit` in the loop for SIGINT and SIGTERM; the next one does again what it did before, which
    /// is to end the process.
    /// Lifetime: the loop's is longer.
    Signals(ioloop::IOLoop& loop, std::function<void()> on_quit) : loop_(loop), on_quit_(std::move(on_quit)) {
        for (const int signal : {SIGINT, SIGTERM}) {
            loop_.add_signal_handler(
                signal,
                [this] {
                    give_back();
                    on_quit_();
                },
                "signals");
        }
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { give_back(); }

private:
    void give_back() noexcept {
        for (const int signal : {SIGINT, SIGTERM}) loop_.remove_signal_handler(signal);
    }

    ioloop::IOLoop& loop_;
    std::function<void()> on_quit_;
};

} // namespace arena
