// SPDX-License-Identifier: MIT
/// What it costs to be inspected.
///
///     bench_inspector [--quick]
///
/// Three tables. The first: a call of the loop without a hook for observers in it, with them, and while a Recorder
/// remembers it. The library is in this program twice, once without the hooks; the three take turns, and the medians
/// of their ratios are what the machine's moods do not touch. The second: a frame of the inspector's window over
/// 10,000 descriptors and as many timeouts, and of a closed one. The third: the linter's looks at those, where there is
/// nothing to find.
///
/// Nothing is too slow for it.
#include "support/counting_new.hpp"
#include "support/inspector_gui.hpp"
#include "table.hpp"
#include "workload.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <sys/eventfd.h>
#include <sys/resource.h>

namespace ioloop_without_hooks {
class Recorder;
namespace workload {
enum class Kind { callbacks, timeouts, handlers, idle_turns };
double nanoseconds(Kind kind, int calls, Recorder* recorder);
} // namespace workload
} // namespace ioloop_without_hooks

using namespace ioloop;
using namespace std::chrono_literals;
using bench::Table;

namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::string decimal(double value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

// ---- the hooks ----------------------------------------------------------------------------------

void price_hooks(int rounds, int calls) {
    struct Row {
        const char* name;
        workload::Kind kind;
    };
    constexpr std::array<Row, 4> rows{{{"callback, posted and run", workload::Kind::callbacks},
                                       {"timeout, armed and run", workload::Kind::timeouts},
                                       {"handler, ready", workload::Kind::handlers},
                                       {"idle turn", workload::Kind::idle_turns}}};
    Table table("A call, in ns",
                {"what", "without hooks", "with hooks", "ratio", "recorded", "recording costs"});
    for (const Row& row : rows) {
        std::vector<double> without;
        std::vector<double> with;
        std::vector<double> recorded;
        std::vector<double> ratio;
        std::vector<double> difference;
        for (int round = 0; round < rounds; ++round) {
            Recorder recorder;
            const auto bare = static_cast<ioloop_without_hooks::workload::Kind>(row.kind);
            without.push_back(ioloop_without_hooks::workload::nanoseconds(bare, calls, nullptr));
            with.push_back(workload::nanoseconds(row.kind, calls, nullptr));
            recorded.push_back(workload::nanoseconds(row.kind, calls, &recorder));
            // The other way round as well: whoever comes second finds the processor as the first one left it.
            with.push_back(workload::nanoseconds(row.kind, calls, nullptr));
            without.push_back(ioloop_without_hooks::workload::nanoseconds(bare, calls, nullptr));
            const std::size_t last = with.size() - 1;
            ratio.push_back((with[last] + with[last - 1]) / (without[last] + without[last - 1]));
            difference.push_back(recorded.back() - std::min(with[last], with[last - 1]));
        }
        table.add({row.name, decimal(median(without), 1), decimal(median(with), 1), decimal(median(ratio), 3),
                   decimal(median(recorded), 1), decimal(median(difference), 1)});
    }
    table.print_markdown(std::cout);
}

// ---- the window ---------------------------------------------------------------------------------

std::uint64_t imgui_allocations = 0;

struct Frames {
    double milliseconds = 0;
    std::uint64_t allocations = 0;
};

Frames measure(InspectorGui& gui, int count) {
    // Twelve seconds: until times have grown by a digit, for which Dear ImGui makes its buffers larger, and the kernel
    // was asked for the second time.
    gui.frames(720);
    const std::uint64_t before = heap_allocations + imgui_allocations;
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        gui.frame();
        const std::chrono::duration<double, std::milli> frame = std::chrono::steady_clock::now() - begin;
        sum += frame.count();
    }
    return {sum / count, heap_allocations + imgui_allocations - before};
}

/// A loop that holds very much, and has nothing to do.
class FullLoop {
public:
    explicit FullLoop(int count) {
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        for (int i = 0; i < count; ++i) {
            const Fd fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
            if (fd < 0) break; // as many as the system allows
            fds_.push_back(fd);
            loop.add_handler(
                fd, [](Fd, Events) {}, Events::read, "one of many");
            loop.call_later(
                1h + i * 1s, [] {}, "one of many");
        }
    }
    FullLoop(const FullLoop&) = delete;
    FullLoop& operator=(const FullLoop&) = delete;
    ~FullLoop() { loop.close(true); }

    std::string size() const { return std::to_string(fds_.size()) + " descriptors and as many timeouts"; }

    IOLoop loop;

private:
    std::vector<Fd> fds_;
};

void price_linter(int count, int frames) {
    Recorder recorder;
    FullLoop full(count);
    full.loop.set_observer(&recorder);
    Linter linter(full.loop, recorder);
    Snapshot snapshot;
    full.loop.run_once();
    full.loop.snapshot(snapshot);
    double sum = 0;
    double longest = 0;
    for (int i = 0; i < frames; ++i) {
        snapshot.time += 16ms; // the same as a new one, which is not to be measured
        snapshot.turn = ++snapshot.statistics.turns;
        const auto begin = std::chrono::steady_clock::now();
        linter.check(snapshot);
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
        sum += took.count();
        longest = std::max(longest, took.count());
    }
    Table table("The linter, over " + full.size() + ", at 60 frames a second",
                {"us a frame", "at most", "findings"});
    table.add({decimal(sum / frames, 1), decimal(longest, 1), std::to_string(linter.findings().size())});
    table.print_markdown(std::cout);
}

void price_window(int count, int frames) {
    ImGui::SetAllocatorFunctions(
        [](std::size_t size, void*) {
            ++imgui_allocations;
            return std::malloc(size); // NOLINT(cppcoreguidelines-no-malloc)
        },
        [](void* memory, void*) { std::free(memory); }); // NOLINT(cppcoreguidelines-no-malloc)

    FullLoop full(count);
    IOLoop& loop = full.loop;
    Table table("A frame of the window, over " + full.size() +
                    "; the mean, with the copies of five times a second",
                {"shown", "ms", "allocations a frame"});
    {
        InspectorGui gui(loop);
        gui.between_frames = [&] { loop.run_once(); };
        bool open = true;
        const auto usual = gui.draw;
        double empty = 0;
        {
            gui.draw = [] {};
            empty = measure(gui, frames).milliseconds;
        }
        const auto row = [&](const char* name) {
            const Frames measured = measure(gui, frames);
            table.add({name, decimal(measured.milliseconds - empty, 4),
                       decimal(static_cast<double>(measured.allocations) / frames, 2)});
        };
        gui.draw = usual;
        for (const char* tab : {"Descriptors", "Timeouts", "Callbacks"}) {
            gui.frames(3);
            gui.click(tab);
            gui.move_away();
            row(tab);
        }
        gui.draw = [&] {
            open = false;
            gui.inspector.show_window("IOLoop", &open);
        };
        row("closed");
        table.add({"(Dear ImGui itself, an empty frame)", decimal(empty, 4), "-"});
    }
    table.print_markdown(std::cout);
}

} // namespace

int main(int count, char** arguments) {
    bool quick = false;
    for (int i = 1; i < count; ++i) {
        if (std::string_view(arguments[i]) == "--quick") {
            quick = true;
        } else {
            std::fprintf(stderr, "usage: %s [--quick]\n", arguments[0]);
            return 2;
        }
    }
    price_hooks(quick ? 3 : 101, quick ? 2'000 : 50'000);
    price_window(quick ? 500 : 10'000, quick ? 20 : 1'000);
    price_linter(quick ? 500 : 10'000, quick ? 60 : 1'000);
    return 0;
}
