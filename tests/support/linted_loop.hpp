// SPDX-License-Identifier: MIT
/// LintedLoop: a loop in a simulated world that is pumped, and a linter that looks at it: what does it find?
#pragma once

#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

inline std::string text_of_all(std::span<const ioloop::Finding> findings) {
    std::string text;
    for (const ioloop::Finding& finding : findings) {
        text.append(finding.active ? "\n  " : "\n  (past) ").append(ioloop::text_of(finding.lint).name);
        text.append(": ").append(finding.sentence.view());
    }
    return text.empty() ? "\n  nothing" : text;
}

struct LintedLoop : testing::Test {
    LintedLoop() {
        loop.set_observer(&recorder);
        loop.set_error_hook([](std::exception_ptr, const ioloop::Origin&, ioloop::CallKind) {});
    }

    void look() {
        loop.snapshot(snapshot);
        linter.check(snapshot);
    }
    /// For so long of the loop's time: so many turns in every 100 ms, each in its own part of them, and a look then.
    void pump(ioloop::Duration time, int turns = 50) {
        const ioloop::TimePoint end = world.now() + time;
        while (world.now() < end) {
            const ioloop::TimePoint round = world.now() + std::chrono::milliseconds(100);
            for (int i = 0; i < turns; ++i) {
                loop.run_once();
                if (each_turn) each_turn();
                const ioloop::Duration left = round - world.now();
                if (left > ioloop::Duration::zero()) world.advance(left / (turns - i));
            }
            look();
        }
    }
    /// This lint, at the call site of that name, and no other.
    const ioloop::Finding& expect_only(ioloop::Lint lint, const std::string& site) {
        static const ioloop::Finding none;
        const auto all = linter.findings();
        EXPECT_EQ(all.size(), 1U) << text_of_all(all);
        if (all.empty()) return none;
        const ioloop::Finding& found = all[0];
        EXPECT_EQ(found.lint, lint) << text_of_all(all);
        EXPECT_TRUE(found.active);
        EXPECT_GE(found.last, found.since);
        EXPECT_GT(found.count, 0U);
        EXPECT_FALSE(found.sentence.empty());
        const char* name = found.chain.origin().name;
        EXPECT_EQ(name != nullptr ? name : "", site);
        return found;
    }
    void expect_none() { EXPECT_TRUE(linter.findings().empty()) << text_of_all(linter.findings()); }

    std::uint64_t handler_of(ioloop::Fd fd) {
        loop.snapshot(snapshot);
        for (const ioloop::HandlerInfo& info : snapshot.handlers) {
            if (info.fd == fd) return info.id;
        }
        return 0;
    }

    SimWorld world;
    ioloop::Recorder recorder;
    ioloop::IOLoop loop{world.options()};
    ioloop::Linter linter{loop, recorder};
    ioloop::Snapshot snapshot;
    std::function<void()> each_turn; ///< what the host does between turns
};
