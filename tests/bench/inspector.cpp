// SPDX-License-Identifier: MIT
/// What it costs to be inspected.
///
///     bench_inspector [--quick]
///
/// Two tables. The first: a call of the loop without a hook for observers in it, with them, and while a Recorder
/// remembers it. The library is in this program twice, once without the hooks; the three take turns, and the medians
/// of their ratios are what the machine's moods do not touch. The second: a frame of the inspector's window over
/// 10,000 descriptors and as many timeouts, and of a closed one.
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
#include <unistd.h>

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
    gui.frames(120);
    std::vector<double> took;
    const std::uint64_t before = heap_allocations + imgui_allocations;
    took.reserve(static_cast<std::size_t>(count));
    const std::uint64_t reserved = heap_allocations + imgui_allocations;
    double sum = 0;
    for (int i = 0; i < count; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        gui.frame();
        const std::chrono::duration<double, std::milli> frame = std::chrono::steady_clock::now() - begin;
        sum += frame.count();
    }
    static_cast<void>(before);
    return {sum / count, heap_allocations + imgui_allocations - reserved};
}

void price_window(int count, int frames) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ImGui::SetAllocatorFunctions(
        [](std::size_t size, void*) {
            ++imgui_allocations;
            return std::malloc(size); // NOLINT(cppcoreguidelines-no-malloc)
        },
        [](void* memory, void*) { std::free(memory); }); // NOLINT(cppcoreguidelines-no-malloc)

    IOLoop loop;
    std::vector<Fd> fds;
    for (int i = 0; i < count; ++i) {
        const Fd fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (fd < 0) break;
        fds.push_back(fd);
        loop.add_handler(
            fd, [](Fd, Events) {}, Events::read, "one of many");
        loop.call_later(
            1h + i * 1s, [] {}, "one of many");
    }
    Table table("A frame of the window, over " + std::to_string(fds.size()) +
                    " descriptors and as many timeouts; the mean, with the copies of ten times a second",
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
    for (const Fd fd : fds) {
        loop.remove_handler(fd);
        ::close(fd);
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
    return 0;
}
