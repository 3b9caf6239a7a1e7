// SPDX-License-Identifier: MIT
/// Fuzz programs: functions of random bytes that say what went wrong, or nothing.
///
///     std::string my_program(Choices& choices);
///     FUZZ_TEST(Suite, title, my_program)
///
/// That is a test, which runs 2000 programs: IOLOOP_FUZZ_ROUNDS says how many, IOLOOP_FUZZ_SEED runs a single one. With
/// IOLOOP_LIBFUZZER (the preset fuzz) it is the entry for libFuzzer, which leaves the bytes that fail in a file.
#pragma once

#include "sanitizers.hpp"

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

/// Draws numbers from bytes. When they are used up, all numbers are 0.
class Choices {
public:
    explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    bool exhausted() const { return bytes_.empty(); }
    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const std::uint8_t first = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return first;
    }
    /// 0 to `below` - 1.
    std::size_t draw(std::size_t below) {
        std::size_t number = byte();
        if (below > 256) number = number << 8 | byte();
        return number % below;
    }

private:
    std::span<const std::uint8_t> bytes_;
};

inline unsigned number_from_environment(const char* name, unsigned otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// The seed that runs, for who dies of it. (A sanitizer has its own last words, and would not come to say them.)
inline unsigned seed_under_way = 0;
#if !UNDER_ADDRESS_SANITIZER && !UNDER_THREAD_SANITIZER
inline void name_seed_and_die(int signal) {
    std::fprintf(stderr, "died of IOLOOP_FUZZ_SEED=%u\n", seed_under_way);
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}
#endif

/// `run(seed)` for so many seeds, or as the environment says; up to the first that fails.
template <class Run> void for_each_fuzz_seed(Run run, unsigned seeds = 2000) {
    const unsigned only = number_from_environment("IOLOOP_FUZZ_SEED", 0);
    const unsigned rounds = only != 0 ? only + 1 : number_from_environment("IOLOOP_FUZZ_ROUNDS", seeds);
#if !UNDER_ADDRESS_SANITIZER && !UNDER_THREAD_SANITIZER
    for (const int signal : {SIGSEGV, SIGABRT}) std::signal(signal, name_seed_and_die);
#endif
    for (unsigned seed = only; seed < rounds && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("IOLOOP_FUZZ_SEED=" + std::to_string(seed));
        seed_under_way = seed;
        run(seed);
    }
}

/// The same failure of a shorter program: what can be left out, is.
template <class Program> std::string shortest_failure(Program program, std::vector<std::uint8_t> bytes) {
    const auto run = [&](const std::vector<std::uint8_t>& some) {
        Choices choices(some);
        return program(choices);
    };
    std::string wrong = run(bytes);
    for (std::size_t size = bytes.size() / 2; size > 0; size = size == 1 ? 0 : size - size / 2) {
        for (std::size_t at = 0; at + size <= bytes.size();) {
            std::vector<std::uint8_t> fewer(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
            fewer.insert(fewer.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at + size), bytes.end());
            std::string still_wrong = run(fewer);
            if (still_wrong.empty()) {
                at += size;
            } else {
                bytes = std::move(fewer);
                wrong = std::move(still_wrong);
            }
        }
    }
    return wrong;
}

template <class Program> void run_fuzz_programs(Program program, unsigned seeds = 2000) {
    std::vector<std::uint8_t> bytes(1000);
    for_each_fuzz_seed(
        [&](unsigned seed) {
            std::minstd_rand random(seed + 1);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 8);
            Choices choices(bytes);
            if (!program(choices).empty()) ADD_FAILURE() << shortest_failure(program, bytes);
        },
        seeds);
}

#if defined(IOLOOP_LIBFUZZER)
#define FUZZ_TEST(suite, title, program)                                                                     \
    extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {                      \
        Choices choices({data, size});                                                                       \
        const std::string wrong = program(choices);                                                          \
        if (wrong.empty()) return 0;                                                                         \
        std::fprintf(stderr, "%s\n", wrong.c_str());                                                         \
        std::abort();                                                                                        \
    }
#else
#define FUZZ_TEST(suite, title, program)                                                                     \
    TEST(suite, title) { run_fuzz_programs(program); }
#endif
