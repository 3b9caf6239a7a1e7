// SPDX-License-Identifier: MIT
#include "signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace arena {
namespace {

std::atomic<int> writer{-1};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch it");

struct sigaction before_interrupt;
struct sigaction before_terminate;

extern "C" void arena_on_signal(int) {
    const int saved = errno;
    const char byte = 1;
    if (const int fd = writer.load(); fd >= 0) (void)!::write(fd, &byte, 1);
    errno = saved;
}

} // namespace

Signals::Signals(ioloop::IOLoop& loop, std::function<void()> on_quit)
    : loop_(loop),
      on_quit_(std::move(on_quit)) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::system_category(), "pipe");
    for (const int fd : ends) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    reader_ = ends[0];
    writer = ends[1];
    loop_.add_handler(
        reader_,
        [this](ioloop::Fd fd, ioloop::Events) {
            char byte = 0;
            if (::read(fd, &byte, 1) == 1) on_quit_();
        },
        ioloop::Events::read, "signals");

    struct sigaction action {};
    action.sa_handler = &arena_on_signal;
    action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
    ::sigaction(SIGINT, &action, &before_interrupt);
    ::sigaction(SIGTERM, &action, &before_terminate);
}

Signals::~Signals() {
    ::sigaction(SIGINT, &before_interrupt, nullptr);
    ::sigaction(SIGTERM, &before_terminate, nullptr);
    loop_.remove_handler(reader_);
    ::close(reader_);
    ::close(writer.exchange(-1));
}

} // namespace arena
