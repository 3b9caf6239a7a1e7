// SPDX-License-Identifier: MIT
/// How long a packet waits for its handler in a program that draws 60 frames a second.
///
///     bench_frame_latency
///
/// `pump` asks the loop once a frame and sleeps the rest in SDL_Delay, as programs do that glue a loop into
/// their frame. `pump_until` sleeps the rest inside the loop. Both in one run: compare them with each other,
/// not with a run elsewhere. The counters are microseconds from the write to the handler; `frame_p99_us` is how
/// long frames took, of 16667 us wanted.
#include "support/socket_pair.hpp"

#include <ioloop/sdl2.hpp>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include <SDL.h>
#include <benchmark/benchmark.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr Duration frame = 16667us;
constexpr int frames = 300;

double percentile(std::vector<Duration>& samples, double fraction) {
    if (samples.empty()) return 0;
    std::sort(samples.begin(), samples.end());
    const auto index = static_cast<std::size_t>(fraction * static_cast<double>(samples.size() - 1));
    return std::chrono::duration<double, std::micro>(samples[index]).count();
}

/// The world outside: writes the time of writing, at moments that have nothing to do with the frames.
class Sender {
public:
    explicit Sender(int fd) : thread_([this, fd] { run(fd); }) {}
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;
    ~Sender() {
        done_ = true;
        thread_.join();
    }

private:
    void run(int fd) const {
        std::mt19937 random(1);
        std::uniform_int_distribution<int> pause(2000, 30000);
        while (!done_) {
            std::this_thread::sleep_for(std::chrono::microseconds(pause(random)));
            const TimePoint now = steady_clock().now();
            (void)!::write(fd, &now, sizeof now);
        }
    }

    std::atomic<bool> done_{false};
    std::thread thread_;
};

void sdl_delay_until(TimePoint deadline) {
    const auto left = std::chrono::floor<std::chrono::milliseconds>(until(deadline, steady_clock().now()));
    SDL_Delay(static_cast<Uint32>(left.count()));
}

template <class Slack> void run(benchmark::State& state, Slack&& slack) {
    SDL_Init(SDL_INIT_VIDEO);
    {
        IOLoop loop;
        sdl2::Host host(loop);
        SocketPair pair;
        std::vector<Duration> latencies;
        std::vector<Duration> frame_times;
        loop.add_handler(
            pair.a,
            [&](Fd fd, Events) {
                TimePoint sent;
                while (::read(fd, &sent, sizeof sent) == sizeof sent) {
                    latencies.push_back(steady_clock().now() - sent);
                }
            },
            Events::read, "packets");
        const Sender sender(pair.b);
        TimePoint next = steady_clock().now();
        TimePoint last = next;
        for (auto _ : state) {
            SDL_Event event;
            while (SDL_PollEvent(&event) != 0) {}
            std::this_thread::sleep_for(2ms); // what the game does in a frame
            next += frame;
            slack(host, next);
            const TimePoint now = steady_clock().now();
            frame_times.push_back(now - last);
            last = now;
        }
        state.counters["p50_us"] = percentile(latencies, 0.5);
        state.counters["p99_us"] = percentile(latencies, 0.99);
        state.counters["packets"] = static_cast<double>(latencies.size());
        state.counters["frame_p50_us"] = percentile(frame_times, 0.5);
        state.counters["frame_p99_us"] = percentile(frame_times, 0.99);
    }
    SDL_Quit();
}

void pump(benchmark::State& state) {
    run(state, [](sdl2::Host& host, TimePoint next) {
        host.pump();
        sdl_delay_until(next);
    });
}

void pump_until(benchmark::State& state) {
    run(state, [](sdl2::Host& host, TimePoint next) { host.pump_until(next); });
}

BENCHMARK(pump)->Iterations(frames)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(pump_until)->Iterations(frames)->Unit(benchmark::kMillisecond)->UseRealTime();

} // namespace
