// SPDX-License-Identifier: MIT
/// How the tests of protocols ask the scheduler.
#pragma once

#include "model/scheduler.hpp"

#include <cstdio>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace model {

/// `write(program)` says what the threads of a P do.
template <class P, class Write> Result explore(Write write, const Options& options = {}) {
    const Result result = Scheduler(options).explore([&] {
        auto program = std::make_unique<P>();
        write(*program);
        return program;
    });
    std::printf("    %zu states, %zu executions%s\n", result.states, result.executions,
                result.complete ? ", all there are" : "");
    return result;
}

inline void expect_sound(const Result& result) {
    EXPECT_EQ(result.failure, "");
    EXPECT_TRUE(result.complete) << "there are more states than it may look at";
}
/// A planted bug was found.
inline void expect_failure(const Result& result, const char* what) {
    EXPECT_THAT(result.failure, testing::HasSubstr(what));
}

inline Options without_process_fence() {
    Options options;
    options.process_fence = false;
    return options;
}

} // namespace model
