// SPDX-License-Identifier: MIT
/// What the loop's own work costs: nanoseconds an operation, and heap allocations an operation.
///
///     bench_loop
///
/// `bare_epoll_wait` is the floor that a turn with the epoll poller stands on, measured in the same run.
#include "support/counting_new.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/epoll.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// Counts what `operator new` did between two lines, per operation.
class Allocations {
public:
    explicit Allocations(benchmark::State& state) : state_(state) {}
    Allocations(const Allocations&) = delete;
    Allocations& operator=(const Allocations&) = delete;
    ~Allocations() {
        const auto made = static_cast<double>(heap_allocations - before_);
        state_.counters["allocs/op"] =
            made / static_cast<double>(std::max<std::int64_t>(state_.items_processed(), 1));
    }

private:
    benchmark::State& state_;
    std::uint64_t before_ = heap_allocations;
};

void bare_epoll_wait(benchmark::State& state) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event events[16];
    for (auto _ : state) benchmark::DoNotOptimize(::epoll_wait(epoll, events, 16, 0));
    ::close(epoll);
}

void idle_turn(benchmark::State& state) {
    IOLoop loop;
    std::vector<SocketPair> pairs(static_cast<std::size_t>(state.range(0)));
    for (const SocketPair& pair : pairs)
        loop.add_handler(
            pair.a, [](Fd, Events) {}, Events::read);
    for (std::int64_t i = 0; i < state.range(1); ++i) loop.call_later(1h, [] {});
    for (auto _ : state) benchmark::DoNotOptimize(loop.run_once());
}

void post_and_run(benchmark::State& state) {
    IOLoop loop;
    std::uint64_t ran = 0;
    const auto batch = state.range(0);
    // On the loop's thread means inside a callable.
    const auto post = [&] {
        for (std::int64_t i = 0; i < batch; ++i) loop.add_callback([&ran] { ++ran; });
    };
    for (int i = 0; i < 3; ++i) {
        loop.add_callback(post);
        loop.run_ready();
    }
    {
        const Allocations count(state);
        for (auto _ : state) {
            loop.add_callback(post);
            loop.run_once();
            loop.run_once();
        }
        state.SetItemsProcessed(state.iterations() * batch);
    }
}

void arm_and_cancel(benchmark::State& state) {
    IOLoop loop;
    std::mt19937 random(1);
    for (std::int64_t i = 0; i < state.range(0); ++i)
        loop.call_later(std::chrono::milliseconds(random() % 60000), [] {});
    loop.remove_timeout(loop.call_later(1s, [] {}));
    const Allocations count(state);
    for (auto _ : state) loop.remove_timeout(loop.call_at(TimePoint(std::chrono::hours(24) + 1s), [] {}));
    state.SetItemsProcessed(state.iterations());
}

void rearm(benchmark::State& state) {
    IOLoop loop;
    std::vector<Timeout> timeouts;
    for (std::int64_t i = 0; i < state.range(0); ++i)
        timeouts.push_back(loop.call_later(1h + std::chrono::microseconds(i), [] {}));
    TimePoint deadline = loop.time() + 2h;
    std::size_t next = 0;
    const Allocations count(state);
    for (auto _ : state) {
        loop.update_timeout(timeouts[next], deadline += 1us);
        next = next + 1 == timeouts.size() ? 0 : next + 1;
    }
    state.SetItemsProcessed(state.iterations());
}

void arm_and_fire(benchmark::State& state) {
    IOLoop loop;
    for (std::int64_t i = 0; i < state.range(0); ++i) loop.call_later(1h, [] {});
    loop.call_later(no_wait, [] {});
    loop.run_once();
    const Allocations count(state);
    for (auto _ : state) {
        for (int i = 0; i < 64; ++i) loop.call_at(TimePoint{}, [] {});
        loop.run_once();
    }
    state.SetItemsProcessed(state.iterations() * 64);
}

void ping_pong(benchmark::State& state) {
    IOLoop loop;
    const SocketPair pair;
    const auto echo = [](Fd fd, Events) {
        char byte;
        (void)!::read(fd, &byte, 1);
        (void)!::write(fd, &byte, 1);
    };
    loop.add_handler(pair.a, echo, Events::read);
    loop.add_handler(pair.b, echo, Events::read);
    pair.send_to_a();
    loop.run_once();
    const Allocations count(state);
    for (auto _ : state) {
        loop.run_once();
        loop.run_once();
    }
    state.SetItemsProcessed(state.iterations());
}

void observed_post_and_run(benchmark::State& state) {
    IOLoop loop;
    Recorder recorder;
    loop.set_observer(&recorder);
    const auto post = [&] {
        for (int i = 0; i < 1024; ++i) loop.add_callback([] {});
    };
    for (auto _ : state) {
        loop.add_callback(post);
        loop.run_once();
        loop.run_once();
    }
    state.SetItemsProcessed(state.iterations() * 1024);
}

/// The longest call of run_once() while 2000 callbacks of 50 us are queued; range(0) is the budget in milliseconds, 0 for
/// none. The median over the repetitions, as a neighbour on the machine can hold up any one of them.
void longest_call_under_backlog(benchmark::State& state) {
    IOLoop loop;
    const Budget budget{state.range(0) == 0 ? forever : Duration(std::chrono::milliseconds(state.range(0)))};
    std::vector<Duration> longest;
    for (auto _ : state) {
        for (int i = 0; i < 2000; ++i) {
            loop.add_callback([] {
                const TimePoint end = steady_clock().now() + 50us;
                while (steady_clock().now() < end) {}
            });
        }
        longest.push_back({});
        Turn turn;
        do {
            const TimePoint begin = steady_clock().now();
            turn = loop.run_once(no_wait, budget);
            longest.back() = std::max(longest.back(), steady_clock().now() - begin);
        } while (turn.left > 0);
    }
    std::sort(longest.begin(), longest.end());
    state.counters["longest_us"] =
        std::chrono::duration<double, std::micro>(longest[longest.size() / 2]).count();
}

BENCHMARK(bare_epoll_wait);
BENCHMARK(idle_turn)->Args({1, 0})->Args({1000, 0})->Args({1000, 1000});
BENCHMARK(post_and_run)->Arg(1)->Arg(64)->Arg(1024);
BENCHMARK(observed_post_and_run);
BENCHMARK(arm_and_cancel)->Arg(1000)->Arg(100000);
BENCHMARK(arm_and_fire)->Arg(1000)->Arg(100000);
BENCHMARK(rearm)->Arg(1000)->Arg(100000);
BENCHMARK(ping_pong);
BENCHMARK(longest_call_under_backlog)->Arg(0)->Arg(2)->Iterations(11)->Unit(benchmark::kMillisecond);

} // namespace
