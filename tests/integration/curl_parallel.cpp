// SPDX-License-Identifier: MIT
/// ioloop::curl under load: a hundred downloads at once, beside a heart that goes on beating.
#include "support/http.hpp"
#include "support/nginx.hpp"
#include "support/sanitizers.hpp"

#include <algorithm>
#include <iostream>
#include <vector>

#include <time.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

#if UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER
constexpr std::size_t size = 1'000'000; // the same paths, in a tenth of the time
#else
constexpr std::size_t size = 10'000'000;
#endif
constexpr int count = 100;

/// What this thread has worked: others may take the processor from it, which is not its doing.
Duration thread_time() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::string milliseconds(Duration duration) {
    return std::to_string(std::chrono::duration<double, std::milli>(duration).count()) + " ms";
}

} // namespace

struct ManyTransfers : Http {
    Nginx server;
};

TEST_F(ManyTransfers, a_hundred_downloads_at_once_do_not_keep_the_loop_from_a_timeout_each_millisecond) {
    const std::string content = noise(size);
    server.serve("noise", content);
    make_client({.max_connections_per_host = count});

    int left = count;
    for (int n = 0; n < count; ++n) {
        const auto future = client->download(server.url("/noise"), file(std::to_string(n)));
        loop.add_future(future, [&](const Future<Response>& f) {
            EXPECT_EQ(f.result().status, 200);
            if (--left == 0) loop.stop();
        });
    }

    int beats = 0;
    Timeout next;
    Duration worked_at_beat = thread_time();
    TimePoint beat_at = loop.time();
    std::vector<Duration> work; // between two beats
    Duration latest{};
    std::function<void()> beat = [&] {
        const Duration worked = thread_time();
        const TimePoint now = loop.time();
        work.push_back(worked - worked_at_beat);
        latest = std::max(latest, now - beat_at - 1ms);
        worked_at_beat = worked;
        beat_at = now;
        if (left > 0 && ++beats > 0) next = loop.call_later(1ms, [&] { beat(); });
    };
    beat();
    const Timeout defect = loop.call_later(
        120s, [&] { loop.stop(); }, "defect");
    loop.start();
    loop.remove_timeout(defect);
    loop.remove_timeout(next);
    std::sort(work.begin(), work.end());
    const Duration usual =
        work[work.size() * 99 / 100]; // the rest is the system's, which writes a gigabyte meanwhile
    std::cout << beats << " beats; the latest came " << milliseconds(latest)
              << " late; work between two: " << milliseconds(usual) << " at the 99th percentile, "
              << milliseconds(work.back()) << " at most\n";
    ASSERT_EQ(left, 0);
    EXPECT_GT(beats, 50);
#if defined(NDEBUG)
    EXPECT_LT(usual, 4ms);
#else
    EXPECT_LT(usual, 40ms); // nothing is inlined here, and sanitizers look on
#endif
    for (int n = 0; n < count; ++n)
        ASSERT_TRUE(Nginx::text_of(file(std::to_string(n))) == content) << "file " << n;
}
