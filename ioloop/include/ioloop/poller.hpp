// SPDX-License-Identifier: MIT
/// Poller: the port contract, what the loop needs of an operating system. Floor 1.
///
/// One Poller for each loop; one `.cpp` for each system call in src/poller/. A Poller waits for descriptors,
/// level-triggered: what is ready and not dealt with is reported again by the next wait(). It knows
/// descriptors, keys and interest; it knows no handler, no timeout and no loop, and never calls code of the
/// user. Public so that a console, a simulator or a test can bring its own (Options::custom_poller).
///
/// Thread: the loop's, but for wake().
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

namespace ioloop {

class Poller {
public:
    /// Chosen by the loop and given back with readiness; the poller does not look into it.
    using Key = std::uint64_t;
    /// The loop chooses none from here up: a backend may mark by them what it watches for itself.
    static constexpr Key own_keys = ~Key{0} - 15;

    struct Ready {
        Key key = 0;
        Events events = Events::none;
        bool gone =
            false; ///< the descriptor was closed behind the loop's back; there is nothing to read or write
    };

    Poller() = default;
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;
    virtual ~Poller() = default;

    /// Watches `fd`. Errors and hang-ups are reported unasked, as `error`, where the system can tell. select and
    /// kqueue tell of what is watched for reading or writing only, and of `none` nothing; to select, an error
    /// is as readable, or as writable, as any other.
    /// Errors: file_exists if this very file is watched under this number already (a number that was closed
    /// and is now another file is not); bad_file_descriptor; operation_not_permitted for what cannot be
    /// waited for, such as a regular file; too_many_files_open for a number that is too large for the backend
    /// (select: FD_SETSIZE and above). On error nothing has changed.
    ///
    /// Of a descriptor that was watched before, not_enough_memory, no_space_on_device and their like mean to the
    /// loop that it can be added later; any other error, that it is closed.
    virtual std::error_code add(Fd fd, Events interest, Key key) = 0;
    /// Replaces interest and key.
    /// Errors: no_such_file_or_directory or bad_file_descriptor if `fd` is not what was added.
    virtual std::error_code modify(Fd fd, Events interest, Key key) = 0;
    /// Errors: as modify(). The descriptor is not watched afterwards in any case that the backend can help.
    virtual std::error_code remove(Fd fd) = 0;
    /// Forgets every descriptor, those included that can no longer be named because they were closed while a
    /// duplicate lives. What is still wanted is added again by the caller.
    virtual std::error_code reset() = 0;

    /// Sleeps until a descriptor is ready, wake() was called, the alarm has rung, or `timeout` has passed; never
    /// less than `timeout` otherwise. Fills `ready` from the front and says in `count` how many; one entry a
    /// descriptor.
    /// Errors: interrupted if a signal arrived first; anything else is fatal to the loop.
    virtual std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) = 0;

    /// Ends the wait() that is under way, else the next one. Many calls before one wait() are one.
    /// Thread: any. Signal-safe, where the backend does not say otherwise.
    virtual void wake() noexcept = 0;

    /// Readable exactly when wait(no_wait) would report something, was woken, or the alarm has rung; invalid_fd
    /// where there is none.
    virtual Fd native_handle() const noexcept { return invalid_fd; }

    /// Makes native_handle() readable when `in` has passed, too, and not before; zero or less: now; `forever`:
    /// not at all. The next wait() ends that, and reports nothing of it; an alarm that has not rung stays
    /// set. There is one: setting it again replaces it. It survives reset().
    /// False if this backend cannot, or the system refuses.
    virtual bool set_alarm(Duration in) noexcept {
        static_cast<void>(in);
        return false;
    }

    virtual std::string_view name() const noexcept = 0;
};

enum class PollerKind : std::uint8_t {
    automatic, ///< what IOLOOP_POLLER names, else the best there is: the first below, but never io_uring or null
    epoll,     ///< Linux; an idle turn makes no system call where the kernel has linux-aio (4.18)
    kqueue,    ///< macOS and the BSDs
    poll,      ///< every POSIX system
    select,    ///< what has nothing else
    wsapoll,  ///< Windows 10 (2004) and later
    io_uring, ///< Linux, on request: epoll, and an idle turn asks io_uring instead of linux-aio
    null,     ///< no descriptors: time and wake() only
};

/// Errors: std::system_error(function_not_supported) for a kind that this platform does not have, or what the
/// system says (io_uring: a kernel, a setting or a sandbox that refuses it); std::invalid_argument if
/// IOLOOP_POLLER names none.
std::unique_ptr<Poller> make_poller(PollerKind kind = PollerKind::automatic);

/// The kinds that this platform can make, on the kernel that runs, best first.
std::vector<PollerKind> available_pollers();

/// "epoll", "poll", ...
std::string_view name_of(PollerKind kind) noexcept;

} // namespace ioloop
