// SPDX-License-Identifier: MIT
/// Impairment: one direction of a bad network, made of the loop's timeouts. What is passed to it arrives later,
/// or never.
///
/// Two kinds of traffic, as there are two kinds of sockets: datagrams may be lost and may overtake each other, a
/// stream loses nothing and keeps its order. Which datagram fares how follows from the seed and from how many were
/// passed before it, so a game can be played again on the very same network.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/ioloop.hpp>

#include <cstddef>
#include <cstdint>
#include <random>

namespace arena {

class Impairment {
public:
    struct Options {
        ioloop::Duration latency{}; ///< on average
        ioloop::Duration jitter{};  ///< up to so much more or less, each as likely; but never less than none
        double loss = 0;            ///< the part of the datagrams that never arrives, 0 to 1

        friend bool operator==(const Options&, const Options&) = default;
    };

    /// What is on its way at most; a pipe that holds as much as it can. A stream says so, datagrams are lost.
    static constexpr std::size_t most_under_way = 1024;

    /// Lifetime: the loop's is longer. What is on its way is gone with the object.
    /// Errors: those of set_options().
    Impairment(ioloop::IOLoop& loop, Options options, std::uint32_t seed = 1);

    /// Calls `deliver` when the datagram arrives: at once, before this returns, if the network is a good one.
    /// `deliver` may destroy this object.
    void pass(ioloop::Callback deliver);

    /// The same for the next piece of a stream, after all pieces before it. False, and dropped, if there is no room:
    /// then the stream cannot go on.
    bool pass_in_order(ioloop::Callback deliver);

    /// Nothing that is on its way arrives.
    void clear() noexcept;

    /// For what comes from now on; what is on its way keeps its time.
    /// Errors: std::invalid_argument for a time that is negative, or a loss that is not from 0 to 1.
    void set_options(Options options);
    const Options& options() const noexcept { return options_; }

    std::size_t under_way() const noexcept { return scope_.size(); }
    std::uint64_t lost() const noexcept { return lost_; } ///< datagrams

private:
    /// How long the next one takes.
    ioloop::Duration delay();
    double chance(); ///< from 0 to less than 1
    bool good() const noexcept { return options_ == Options{}; }

    Options options_;
    std::mt19937 random_;
    ioloop::TimePoint last_in_order_{}; ///< when the last piece of the stream arrives
    std::size_t in_order_ = 0;          ///< pieces of the stream that are on their way
    std::uint64_t lost_ = 0;
    ioloop::Scope scope_; ///< of all that is on its way
};

} // namespace arena
