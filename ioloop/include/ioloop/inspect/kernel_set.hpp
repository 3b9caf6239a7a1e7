// SPDX-License-Identifier: MIT
/// KernelSet: which descriptors the kernel watches for a loop, and where that differs from what the loop believes. Floor 3.
///
/// The two part where a descriptor is closed without remove_handler(). Then the kernel has forgotten it, and its handler
/// waits for ever; or a duplicate of it lives, and the kernel goes on reporting what nobody can take out of the set, at
/// 100 % CPU. Nothing in the program shows either; the kernel's own list, in /proc, does.
///
/// Cost: the kernel prints its list, and each number is looked at. Measured: 15 us for 10 descriptors, 1.4 ms for 1000,
/// 19 ms for 10000, all of it in read(). For an inspector: once a second; above some 2000 handlers, on request, or once
/// in ten seconds. Keep one and read again: a steady state allocates nothing.
///
/// Thread: the loop's. The snapshot and the reading must belong to one moment: nothing may come or go in between.
#pragma once

#include <ioloop/fd.hpp>
#include <ioloop/file_identity.hpp>
#include <ioloop/snapshot.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace ioloop {

enum class KernelTruth : std::uint8_t {
    unknown,      ///< no list to read: another poller than epoll and io_uring, or no /proc
    in_step,      ///< the kernel watches what the loop believes it does
    mask_differs, ///< it does, but for other events
    lost, ///< not in the kernel's set: closed, or taken out behind the loop's back; its handler waits for ever
    reused, ///< lost, and its number is another file by now, which nobody watches
    ghost,  ///< in the kernel's set, but its number is closed or another file: a duplicate of it lives
};

/// What a handler's number stood for when it was added.
struct RegisteredFile {
    std::uint64_t id = 0; ///< HandlerInfo::id
    FileIdentity file;
};

class KernelSet {
public:
    struct Entry {
        std::uint64_t id = 0;     ///< HandlerInfo::id of whom it was added for
        Fd fd = invalid_fd;       ///< its number at that time
        std::uint32_t events = 0; ///< as in epoll_ctl(2)
        FileIdentity file;        ///< none before Linux 4.13: then a ghost is one whose number is closed
        bool ghost = false;       ///< `fd` is not that file any more
        bool claimed = false;     ///< by a handler; compare() sets it
    };

    /// Reads the list of a loop's set, of which `handle` is the descriptor: Snapshot::kernel_handle. False, and then there
    /// is none, if the descriptor is no epoll set that a loop of this library made, or the list is not understood.
    /// Errors: std::bad_alloc.
    bool read(Fd handle);

    /// The verdict on each handler, by its index, as of the last read(). A handler that is on the stack may be out of
    /// the set while a nested turn waits, and one that is adrift is: that is in step. Valid until the next call.
    ///
    /// files   sorted by id; those that are not there are never `reused`, but `lost`
    ///
    /// Files that share an inode, such as eventfds, look alike: a ghost whose number is another eventfd is not found.
    /// Errors: std::bad_alloc.
    std::span<const KernelTruth> compare(std::span<const HandlerInfo> handlers,
                                         std::span<const RegisteredFile> files = {});

    /// What the kernel watches for no handler that was compared: removed after its descriptor was closed, while a
    /// duplicate lives. The loop makes a new set as soon as such a one is ready. Valid until the next call.
    std::span<const Entry> leftovers() const noexcept { return leftovers_; }

    /// All there is, the loop's own wake event and alarm included; sorted by id.
    std::span<const Entry> entries() const noexcept { return entries_; }

private:
    KernelTruth judge(const HandlerInfo& handler, std::span<const RegisteredFile> files);

    std::vector<Entry> entries_;
    std::vector<Entry> leftovers_;
    std::vector<KernelTruth> truths_;
    bool known_ = false;
};

const char* name_of(KernelTruth truth) noexcept;

} // namespace ioloop
