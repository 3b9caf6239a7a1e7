// SPDX-License-Identifier: MIT
/// Poller over io_uring(7): that of epoll.cpp, which asks a ring instead of linux-aio whether there might be news. So a
/// wait(no_wait) with nothing to report makes no system call here either, where the kernel has one and not the other.
///
/// The ring watches one descriptor: the epoll set, which holds all others. An epoll set is itself readable when
/// one of its descriptors is ready. So epoll remains the one source of events, with all of its semantics.
///
/// Why not, as one might expect, one multishot poll for each descriptor? It was considered, and can not keep the
/// contract:
/// - A poll request holds a reference to the *file*. One closed without remove() would not be closed: its peer
///   sees no end-of-file and its port stays taken, until somebody cancels the request.
/// - A multishot poll is an edge. What is not drained would have to be asked for again in each wait, by a
///   system call for each descriptor or a poll(2) of all that were ready.
/// - The completion queue stays full while a descriptor is drained behind its back: native_handle() would be
///   readable with nothing to report. epoll looks again when it is polled.
/// - Requests are the submitting thread's. When that thread ends, the kernel cancels them; but a loop may be made
///   by one thread and run by another. (This concerns the one request that is left, too: see io_uring_tripwire.cpp.)
/// And it gains little: 8 % of a chain of reads and writes, measured without the looking again.
///
/// io_uring may be compiled out (ENOSYS), switched off (sysctl kernel.io_uring_disabled: EPERM) or filtered by a
/// sandbox (EPERM or ENOSYS). Then the constructor says so, and available_pollers() does not offer it.
/// Never chosen automatically: it is one more thing that may go wrong, and linux-aio does the same with fewer of them.
#include "../os/tripwire.hpp"

#include <ioloop/poller.hpp>

#include <cerrno>
#include <memory>
#include <string_view>

#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ioloop {

std::unique_ptr<Poller> make_epoll_poller(std::unique_ptr<Tripwire> tripwire, std::string_view name);

std::unique_ptr<Poller> make_io_uring_poller() {
    return make_epoll_poller(make_io_uring_tripwire(), "io_uring");
}

/// A ring of no entries is refused as such (EINVAL) by whoever would make one of some. Nothing is made: see
/// io_uring_tripwire.cpp for what closing it would do.
bool has_io_uring() noexcept {
    io_uring_params params{};
    return ::syscall(__NR_io_uring_setup, 0, &params) < 0 && errno == EINVAL;
}

} // namespace ioloop
