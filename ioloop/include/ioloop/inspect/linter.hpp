// SPDX-License-Identifier: MIT
/// Linter: looks for lints in what a Recorder remembers and a Snapshot shows. Floor 3.
///
///     Linter linter(loop, recorder);
///     loop.run_until(...);
///     loop.snapshot(snapshot);
///     linter.check(snapshot);
///     EXPECT_TRUE(linter.findings().empty());
///
/// Cheap counters come first; the kernel is asked only about suspects. A cause hides its symptoms: one bug is one finding
/// (src/inspect/lint_rules.cpp). What the machine did, when the thread waited for a CPU, is nobody's fault.
///
/// Cost: with 10,000 handlers, 10,000 timeouts and no suspects some 30 us a frame at 60 Hz, at most 0.5 ms in one
/// (tests/bench/inspector.cpp).
///
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/inspect/lint.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

namespace ioloop {

class Linter {
public:
    struct Options {
        Duration budget = std::chrono::milliseconds(4);     ///< of the loop, in a frame
        Duration slow_call = std::chrono::milliseconds(4);  ///< slow_dispatch
        Duration late = std::chrono::milliseconds(5);       ///< late_timer: 99 of 100 are to be less late
        Duration starving = std::chrono::milliseconds(100); ///< starvation
        Duration unpumped = std::chrono::milliseconds(250); ///< not_pumped
        std::uint32_t streak = 60;                          ///< turns in a row, for the spinning ones
        std::uint32_t storm = 1000;                         ///< timeouts armed in a second at one site
        std::uint32_t burst = 100;                          ///< timeouts of one site due in one turn
    };

    /// Lifetime: both outlive it.
    Linter(const IOLoop& loop, Recorder& recorder);
    Linter(const IOLoop& loop, Recorder& recorder, const Options& options);
    Linter(const Linter&) = delete;
    Linter& operator=(const Linter&) = delete;
    ~Linter();

    /// Looks, if at least 100 ms of the loop's time have passed since it looked last. Call it in every frame: that nobody
    /// runs the loop is seen by frames in which nobody does. Allocates only while the program grows.
    void check(const Snapshot& snapshot);

    /// The worst first: active before past, then by severity, then the newest.
    std::span<const Finding> findings() const noexcept;
    /// Counts up whenever they change.
    std::uint64_t version() const noexcept;

    void set_muted(Lint lint, bool muted) noexcept;
    bool muted(Lint lint) const noexcept;
    void clear() noexcept;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace ioloop
