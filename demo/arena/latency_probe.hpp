// SPDX-License-Identifier: MIT
/// LatencyProbe: how long what has come waits for its handler.
///
/// A thread writes the time into a socket, at moments that have nothing to do with frames; a handler of the loop reads it
/// at the other end, and what has passed since is the latency: of waking up, and of all that the program does in between.
#pragma once

#include <ioloop/inspect/histogram.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/net/socket.hpp>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace arena {

class LatencyProbe {
public:
    struct Options {
        ioloop::Duration mean =
            std::chrono::milliseconds(20); ///< between two; at random, as calls at an exchange
        std::uint32_t seed = 20;           ///< the same moments each time
    };

    /// Lifetime: the loop's is longer.
    /// Errors: std::system_error if there are no descriptors, or no thread.
    explicit LatencyProbe(ioloop::IOLoop& loop);
    LatencyProbe(ioloop::IOLoop& loop, Options options);
    LatencyProbe(const LatencyProbe&) = delete;
    LatencyProbe& operator=(const LatencyProbe&) = delete;
    /// Ends the thread, which is asleep, and waits for that.
    ~LatencyProbe();

    /// Forgets what was measured, and what is under way: something is different from now on.
    void begin_anew() noexcept;

    /// The program has nothing to do any more: from now on until it is called again, what comes counts as latencies();
    /// what came since the last begin_anew() and before it, as latencies_of_busy(). Without it all are latencies().
    void begin_rest() noexcept;

    const ioloop::Histogram& latencies() const noexcept { return latencies_; }
    /// Of what came while the program did something else: it waits however the program sleeps.
    const ioloop::Histogram& latencies_of_busy() const noexcept { return latencies_of_busy_; }

private:
    void write_stamps(); ///< the thread
    void read_stamps();

    Options options_;
    std::array<ioloop::Socket, 2> ends_; ///< the loop's, and the thread's
    ioloop::Histogram latencies_;
    ioloop::Histogram latencies_of_busy_;
    ioloop::TimePoint begun_;
    ioloop::TimePoint rest_begun_{};
    std::mutex mutex_;
    std::condition_variable end_comes_;
    bool ending_ = false; ///< guarded by mutex_
    std::thread thread_;
};

} // namespace arena
