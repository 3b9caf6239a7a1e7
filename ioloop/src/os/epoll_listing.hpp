// SPDX-License-Identifier: MIT
/// What Linux lists in /proc of an epoll set. The system's half of inspect/kernel_set.hpp. Floor 3.
#pragma once

#include <ioloop/events.hpp>
#include <ioloop/inspect/kernel_set.hpp>

#include <string_view>
#include <vector>

namespace ioloop {

/// Appends what the set holds, in the kernel's order, and looks whether each number still is its file. False if the system
/// has no such list, or it ends early, or has lines that are not understood: half a list would make the rest look
/// lost.
bool list_epoll_set(Fd epoll, std::vector<KernelSet::Entry>& out);

/// The same from the text of /proc/self/fdinfo/<number>, or some whole lines of it, without the look: lines like
///
///     tfd:        5 events:       19 data:        100000002  pos:0 ino:328951 sdev:9
///
/// (`pos` and what follows since Linux 4.13), and others, which say nothing of registrations.
bool parse_epoll_listing(std::string_view text, std::vector<KernelSet::Entry>& out);

/// True if the kernel reports what a loop asks for by `interest`, and no other events.
bool watches(const KernelSet::Entry& entry, Events interest) noexcept;

} // namespace ioloop
