// SPDX-License-Identifier: MIT
// The few promises that only the system's own clock can keep. Label: os.
#include <ioloop/ioloop.hpp>

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class RealTime : public testing::Test {
protected:
    IOLoop loop{[] {
        IOLoop::Options options;
        options.make_current = MakeCurrent::never;
        return options;
    }()};
};

TEST_F(RealTime, T1_no_timeout_is_ever_early) {
    int left = 200;
    for (int i = 0; i < left; ++i) {
        const TimePoint deadline = loop.time() + i * 217us;
        loop.call_at(deadline, [&, deadline] {
            EXPECT_GE(std::chrono::steady_clock::now(), deadline);
            if (--left == 0) loop.stop();
        });
    }
    loop.start();
}

TEST_F(RealTime, T10_a_wait_for_a_deadline_does_not_spin_in_its_last_millisecond) {
    for (int i = 0; i < 20; ++i) {
        loop.call_later(1700us, [&] { loop.stop(); });
        loop.start();
    }
    EXPECT_LE(loop.statistics().sleeps, 40U) << "one sleep a timeout, and some for signals";
}

TEST_F(RealTime, a_wait_without_anything_to_do_lasts_as_long_as_it_was_asked_to) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(loop.run_once(3ms).ended, Ended::idle);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 3ms);
}

} // namespace
