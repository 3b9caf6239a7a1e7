// SPDX-License-Identifier: MIT
#include "latency_probe.hpp"

#include <algorithm>
#include <cstring>
#include <random>

namespace arena {
namespace {

using Stamp = std::int64_t; // nanoseconds of the steady clock
using StampBytes = std::array<std::uint8_t, sizeof(Stamp)>;

constexpr int stamps_a_turn = 64;

/// The real time: the loop's may be paused.
ioloop::TimePoint now() { return ioloop::steady_clock().now(); }

} // namespace

LatencyProbe::LatencyProbe(ioloop::IOLoop& loop) : LatencyProbe(loop, Options()) {}

LatencyProbe::LatencyProbe(ioloop::IOLoop& loop, Options options)
    : options_(options),
      ends_(ioloop::Socket::pair()),
      begun_(now()) {
    ends_[0].watch(
        loop, [this](ioloop::Fd, ioloop::Events) { read_stamps(); }, ioloop::Events::read, "latency probe");
    thread_ = std::thread([this] { write_stamps(); });
}

LatencyProbe::~LatencyProbe() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    end_comes_.notify_one();
    thread_.join();
}

void LatencyProbe::begin_anew() noexcept {
    latencies_.clear();
    latencies_of_busy_.clear();
    begun_ = now();
}

void LatencyProbe::begin_rest() noexcept { rest_begun_ = now(); }

void LatencyProbe::write_stamps() {
    std::minstd_rand random(options_.seed);
    std::exponential_distribution<double> pauses(1);
    std::unique_lock lock(mutex_);
    while (true) {
        const auto pause = std::chrono::duration_cast<ioloop::Duration>(options_.mean * pauses(random));
        if (end_comes_.wait_for(lock, std::min(pause, options_.mean * 5), [this] { return ending_; })) return;
        const Stamp stamp = now().time_since_epoch().count();
        StampBytes bytes;
        std::memcpy(bytes.data(), &stamp, sizeof stamp);
        std::error_code full; // the loop does not read: it is paused. One stamp less
        ends_[1].send(bytes, full);
    }
}

void LatencyProbe::read_stamps() {
    StampBytes bytes;
    for (int i = 0; i < stamps_a_turn; ++i) {
        std::error_code error;
        // A pair of sockets takes eight bytes or none, and so gives them.
        if (ends_[0].receive(bytes, error) != bytes.size()) return;
        Stamp stamp = 0;
        std::memcpy(&stamp, bytes.data(), sizeof stamp);
        const ioloop::TimePoint written{ioloop::Duration(stamp)};
        if (written < begun_) continue;
        (written < rest_begun_ ? latencies_of_busy_ : latencies_).add(now() - written);
    }
}

} // namespace arena
