// SPDX-License-Identifier: MIT
/// PollerTraits: in what the pollers differ, by name. Everything else is the same over all of them, and whatever
/// is added here is an excuse: poller.hpp, or the essay at the top of the backend, has to give the reason.
#pragma once

#include <ioloop/poller.hpp>

struct PollerTraits {
    enum class Closed {
        silent,    ///< closed without remove: no word; while a duplicate lives: goes on being ready
        gone,      ///< closed without remove: reported as gone
        forgotten, ///< closed without remove: no word, whatever duplicates there are
    };

    bool tells_errors = true;            ///< `error`, beside read and write
    bool tells_hang_up_unasked = true;   ///< `error`, if watched for nothing
    bool tells_hang_up_to_reader = true; ///< `error`, if watched for reading alone
    bool bounded_by_fd_setsize = false;
    Closed closed_descriptors = Closed::silent;
};

inline PollerTraits traits_of(ioloop::PollerKind kind) {
    using ioloop::PollerKind;
    PollerTraits traits;
    switch (kind) {
    case PollerKind::select:
        traits.tells_errors = traits.tells_hang_up_unasked = traits.tells_hang_up_to_reader = false;
        traits.bounded_by_fd_setsize = true;
        traits.closed_descriptors = PollerTraits::Closed::gone;
        break;
    case PollerKind::kqueue:
        traits.tells_hang_up_unasked = traits.tells_hang_up_to_reader = false;
        traits.closed_descriptors = PollerTraits::Closed::forgotten;
        break;
    case PollerKind::poll: traits.closed_descriptors = PollerTraits::Closed::gone; break;
    case PollerKind::wsapoll: // whose sockets are TCP: an orderly close looks like a half-close
        traits.tells_hang_up_to_reader = false;
        traits.closed_descriptors = PollerTraits::Closed::gone;
        break;
    default: break;
    }
    return traits;
}

/// Of the poller that IOLOOP_POLLER names, which is the one that SimWorld is made of.
inline PollerTraits traits() {
    const auto name = ioloop::make_poller()->name();
    for (const ioloop::PollerKind kind : ioloop::available_pollers()) {
        if (ioloop::name_of(kind) == name) return traits_of(kind);
    }
    return {};
}
