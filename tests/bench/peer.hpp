// SPDX-License-Identifier: MIT
/// The world outside, on threads of its own: a Peer that says something now and then, and a Flood.
#pragma once

#include "link.hpp"
#include "samples.hpp"

#include <ioloop/io_loop.hpp>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

namespace bench {

/// Sends and posts, by turns, so many times each, at moments that have nothing to do with what the loop does.
class Peer {
public:
    /// `done` is posted last. Lifetime: until it was called.
    Peer(ioloop::IOLoop& loop, Link& link, int times, ioloop::Callback done)
        : thread_([this, &loop, &link, times, done = std::move(done)]() mutable {
              std::mt19937 random(1);
              std::uniform_int_distribution<int> pause(1000, 11'000);
              for (int i = 0; i < 2 * times; ++i) {
                  std::this_thread::sleep_for(std::chrono::microseconds(pause(random)));
                  if (i % 2 == 0) {
                      link.send();
                  } else {
                      const TimePoint posted = ioloop::steady_clock().now();
                      loop.add_callback(
                          [this, posted] { latencies_.add(ioloop::steady_clock().now() - posted); });
                  }
              }
              loop.add_callback(std::move(done));
          }) {}
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    ~Peer() { thread_.join(); }

    /// From the post to the callback.
    const Samples& latencies() const noexcept { return latencies_; }

private:
    Samples latencies_;
    std::thread thread_;
};

/// Sends at a rate, until it goes.
class Flood {
public:
    Flood(Link& link, int messages_per_second)
        : thread_([this, &link, messages_per_second] {
              const auto between = std::chrono::nanoseconds(std::chrono::seconds(1)) / messages_per_second;
              for (TimePoint next = ioloop::steady_clock().now(); !done_; next += between) {
                  std::this_thread::sleep_until(next);
                  link.send();
              }
          }) {}
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;
    ~Flood() {
        done_ = true;
        thread_.join();
    }

private:
    std::atomic<bool> done_{false};
    std::thread thread_;
};

} // namespace bench
