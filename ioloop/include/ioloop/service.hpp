// SPDX-License-Identifier: MIT
/// Service: something of which a loop has at most one, such as its thread pool. Floor 1.
///
/// Made by IOLoop::service<S>() when it is first asked for, destroyed by close(), the youngest first: that is how
/// things are built on the loop that must not outlive it. (Asio's execution_context has the same idea.)
#pragma once

namespace ioloop {

struct Snapshot;

class Service {
public:
    Service() = default;
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    virtual ~Service() = default;

    /// Adds to a snapshot of the loop what it holds, if that is anything for an inspector.
    virtual void list(Snapshot&) const {}
};

namespace detail {
template <class S> inline constexpr char service_key = 0; ///< its address names the type, also without RTTI
} // namespace detail

} // namespace ioloop
