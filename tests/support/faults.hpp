// SPDX-License-Identifier: MIT
/// Faults: system calls that fail, because a test wants to see what the library makes of it.
///
///     const Faults faults{{"epoll_ctl", ENOSPC}};          // the next one fails
///     const Faults faults{{"epoll_wait", EINTR, 0, 1000}}; // the next thousand
///     const Faults faults{{.call = "recv", .most = 1}};    // each gives one byte at most
///
/// The seam is the linker's (--wrap): the library is the one that is shipped, and knows nothing of it. What the C library calls by
/// itself is not touched.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

struct Fault {
    /// Its name. One that is made by syscall(2) has the kernel's name; "wake" is the write() to an eventfd, and "woken" the read().
    std::string_view call;
    int error = 0; ///< what errno is then; 0: it does not fail
    int after = 0; ///< so many go well first
    int times = 1; ///< then so many fail
    long most = 0; ///< instead of failing, it is told of a buffer of so many bytes, each time; 0: of its own
    bool does_nothing = false; ///< it says that it went well, and was not made
    int met = 0;               ///< how many of those calls there were
};

/// In force while it lives; one at a time. Thread: any may run into them.
class Faults {
public:
    Faults(std::initializer_list<Fault> planned);
    Faults(const Faults&) = delete;
    Faults& operator=(const Faults&) = delete;
    ~Faults();

    /// How many calls of that name were made since.
    int met(std::string_view call) const;

private:
    std::vector<Fault> planned_;
};
