// SPDX-License-Identifier: MIT
/// This library beside other event loops, all of them in one run, and what it wants to reach.
///
/// Every repetition sets every subject up anew, one after another, so that what the machine does meanwhile hits all alike;
/// shown is the median of the repetitions. What does not wait and has no second thread is timed by the processor time of its
/// thread. --only (where "memory" is one, too) and --subjects select. --smoke times nothing, and sees that all of it runs.
///
/// --count warms up, does so many operations and exits: under `valgrind --tool=callgrind` or `strace -f -c`, the difference
/// of two such runs is what an operation takes, whatever the machine is doing.
#include "allocations.hpp"
#include "memory.hpp"
#include "results.hpp"
#include "scenarios.hpp"
#include "thread_time.hpp"
#include "threads.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace bench::peers;

namespace {

struct Arguments {
    std::chrono::nanoseconds repetition = std::chrono::milliseconds(60);
    int repetitions = 7;
    bool smoke = false;
    bool list = false;
    std::regex only{""};
    std::regex subjects{""};
    std::string markdown;
    std::string json;
    std::vector<std::string> count;
};

constexpr const char* usage =
    R"(bench_peers [--quick | --smoke] [--only REGEX] [--subjects REGEX] [--repetitions N] [--markdown FILE] [--json FILE]
bench_peers --list
bench_peers --count SCENARIO SUBJECT OPERATIONS
)";

[[noreturn]] void refuse(const std::string& why) {
    std::cerr << "bench_peers: " << why << '\n';
    std::exit(2);
}

/// Not open if there is no name.
std::ofstream writable(const std::string& file) {
    std::ofstream stream;
    if (!file.empty()) stream.open(file);
    if (!file.empty() && !stream.is_open()) refuse(file + " cannot be written");
    return stream;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, value).ptr != end || value == 0)
        refuse("a positive number is needed, not " + std::string(text));
    return value;
}

Arguments parsed(const std::vector<std::string>& words) {
    Arguments arguments;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        const auto next = [&]() -> const std::string& {
            if (i + 1 == words.size()) refuse(word + " needs a value");
            return words[++i];
        };
        if (word == "--quick") {
            arguments.repetition = std::chrono::milliseconds(8);
            arguments.repetitions = 3;
        } else if (word == "--smoke") {
            arguments.smoke = true;
        } else if (word == "--list") {
            arguments.list = true;
        } else if (word == "--help") {
            std::cout << usage;
            std::exit(0);
        } else if (word == "--only") {
            arguments.only = next();
        } else if (word == "--subjects") {
            arguments.subjects = next();
        } else if (word == "--markdown") {
            arguments.markdown = next();
        } else if (word == "--json") {
            arguments.json = next();
        } else if (word == "--repetitions") {
            arguments.repetitions = static_cast<int>(number(next()));
        } else if (word == "--count") {
            for (int k = 0; k < 3; ++k) arguments.count.push_back(next());
        } else {
            refuse("what is " + word + "? --help tells what there is");
        }
    }
    return arguments;
}

Registry everybody() {
    Registry registry;
    enrol_ioloop(registry);
#if defined(BENCH_LIBUV)
    enrol_libuv(registry);
#endif
#if defined(BENCH_LIBEV)
    enrol_libev(registry);
#endif
#if defined(BENCH_LIBEVENT)
    enrol_libevent(registry);
#endif
#if defined(BENCH_ASIO)
    enrol_asio(registry);
#endif
#if defined(BENCH_GLIB)
    enrol_glib(registry);
#endif
#if defined(BENCH_SD_EVENT)
    enrol_sd_event(registry);
#endif
    enrol_bare(registry);
    return registry;
}

struct Timed {
    Done done;
    double nanoseconds; ///< all of it
    std::uint64_t allocations;
};

Timed timed(Case& chosen, std::uint64_t operations) {
    const std::uint64_t allocations = allocations_of_thread();
    const bench::Duration begin = thread_time();
    const Done done = chosen.run(operations);
    const bench::Duration took = thread_time() - begin;
    return {done, static_cast<double>(done.took.value_or(took).count()),
            allocations_of_thread() - allocations + done.allocations_aside};
}

/// How many operations a repetition has. They are found out once.
std::uint64_t calibrated(Case& chosen, const Entry& entry, std::chrono::nanoseconds repetition) {
    const auto wanted = static_cast<double>(repetition.count());
    chosen.run(
        entry
            .least); // the first turn has more to do: some tell the kernel of a thousand descriptors only then
    for (std::uint64_t operations = entry.least;; operations *= 4) {
        const auto begin = std::chrono::steady_clock::now();
        const std::uint64_t done = chosen.run(operations).operations;
        const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
        if (took.count() < wanted / 8) continue;
        const double fitting = static_cast<double>(done) * wanted / took.count();
        return std::max(entry.least, static_cast<std::uint64_t>(fitting));
    }
}

Reading measured(const Entry& entry, std::uint64_t& operations, std::chrono::nanoseconds repetition) {
    const std::unique_ptr<Case> chosen = entry.make();
    if (operations == 0) {
        operations = calibrated(*chosen, entry, repetition);
    } else {
        chosen->run(std::max(operations / 8, std::min<std::uint64_t>(entry.least, operations)));
    }
    const Timed result = timed(*chosen, operations);
    const auto done = static_cast<double>(result.done.operations);
    Reading reading;
    reading.operations = result.done.operations;
    reading.allocations = static_cast<double>(result.allocations) / done;
    if (const bench::Samples* const samples = result.done.samples) {
        const auto at = [&](double fraction) {
            return static_cast<double>(samples->percentile(fraction).count());
        };
        reading.nanoseconds = at(0.5);
        reading.p99 = at(0.99);
        reading.least = at(0);
        reading.allocations = 0; // the samples themselves would be among them
    } else {
        reading.nanoseconds = result.nanoseconds / done;
    }
    return reading;
}

/// Calls `f(entries of the scenario)`, scenario by scenario.
template <class F> void for_each_scenario(const std::vector<Entry>& entries, F&& f) {
    std::vector<std::string> names;
    for (const Entry& entry : entries) {
        if (std::find(names.begin(), names.end(), entry.scenario) == names.end())
            names.push_back(entry.scenario);
    }
    for (const std::string& name : names) {
        std::vector<const Entry*> those;
        for (const Entry& entry : entries) {
            if (entry.scenario == name) those.push_back(&entry);
        }
        f(those);
    }
}

void measure_all(const std::vector<Entry>& entries, const Arguments& arguments, Results& results) {
    for_each_scenario(entries, [&](const std::vector<const Entry*>& those) {
        std::cerr << those.front()->scenario << '\n';
        std::map<const Entry*, std::uint64_t> operations;
        for (int repetition = 0; repetition < arguments.repetitions; ++repetition) {
            for (const Entry* const entry : those) {
                try {
                    results.add(*entry, measured(*entry, operations[entry], arguments.repetition));
                } catch (const std::exception& error) {
                    results.fail(*entry, error.what());
                }
            }
        }
    });
}

int smoke(const std::vector<Entry>& entries) {
    int wrong = 0;
    for (const Entry& entry : entries) {
        try {
            const std::uint64_t wanted = std::min<std::uint64_t>(3, entry.least);
            const std::uint64_t done = entry.make()->run(wanted).operations;
            if (done < wanted) throw WrongResult("did less than it was asked to");
        } catch (const std::exception& error) {
            std::cerr << entry.scenario << ", " << entry.subject << ": " << error.what() << '\n';
            ++wrong;
        }
    }
    std::cout << entries.size() << " cases ran, " << wrong << " of them wrong\n";
    return wrong == 0 ? 0 : 1;
}

int count(const std::vector<Entry>& entries, const std::vector<std::string>& what) {
    constexpr std::uint64_t warm_up = 2048;
    for (const Entry& entry : entries) {
        if (entry.scenario != what[0] || entry.subject != what[1]) continue;
        const std::unique_ptr<Case> chosen = entry.make();
        chosen->run(warm_up);
        std::cout << chosen->run(number(what[2])).operations << '\n';
        return 0;
    }
    refuse("there is no " + what[0] + " of " + what[1] + "; see --list");
}

int run(const Arguments& arguments) {
    descriptors_to_use();
    ::sched_getaffinity(0, sizeof(cpu_set_t), &cpus_of_helpers());
    pin_this_thread(true);
    // A process that never had a second thread has cheaper locks than those who need them.
    std::thread([] {}).join();

    const Registry registry = everybody();
    if (!arguments.count.empty()) return count(registry.entries(), arguments.count);
    std::vector<Entry> entries;
    for (const Entry& entry : registry.entries()) {
        if (std::regex_search(entry.scenario, arguments.only) &&
            std::regex_search(entry.subject, arguments.subjects))
            entries.push_back(entry);
    }
    if (arguments.list) {
        for (const Entry& entry : entries) std::cout << entry.scenario << '\t' << entry.subject << '\n';
        return 0;
    }
    if (arguments.smoke) return smoke(entries);

    // Before minutes of measuring.
    std::ofstream markdown = writable(arguments.markdown);
    std::ofstream json = writable(arguments.json);

    Results results(entries);
    measure_all(entries, arguments, results);
    std::ostream& out = markdown.is_open() ? markdown : std::cout;
    results.print_markdown(out);
    if (std::regex_search("memory", arguments.only)) print_memory(out);
    if (json.is_open()) results.print_json(json);
    return results.failed() ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(parsed(std::vector<std::string>(argv + 1, argv + argc)));
    } catch (const std::exception& error) {
        std::cerr << "bench_peers: " << error.what() << '\n';
        return 1;
    }
}
