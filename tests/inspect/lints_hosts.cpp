// SPDX-License-Identifier: MIT
// Lints of hosts and threads, and what a Linter does with what it has found.
#include "support/counting_new.hpp"
#include "support/linted_loop.hpp"

#include <memory>
#include <stdexcept>
#include <thread>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class LintsOfHosts : public LintedLoop {
protected:
    ~LintsOfHosts() override { loop.close(); }

    /// Frames are drawn, and nobody runs the loop.
    void draw(Duration time) {
        for (Duration passed{}; passed < time; passed += 16ms) {
            world.advance(16ms);
            look();
        }
    }
};

// ---- not-pumped ---------------------------------------------------------------------------------

TEST_F(LintsOfHosts, a_timeout_that_is_due_and_nobody_runs_the_loop_is_not_pumped) {
    pump(200ms);
    loop.call_later(
        100ms, [] {}, "spawn");
    draw(1s);
    const Finding& found = expect_only(Lint::not_pumped, "spawn");
    EXPECT_EQ(found.kind, CallKind::timeout);
    EXPECT_NE(found.id, 0U);
}

TEST_F(LintsOfHosts,
       a_callback_that_waits_and_nobody_runs_the_loop_is_not_pumped_and_nothing_else_afterwards) {
    pump(200ms);
    for (int i = 0; i < 10; ++i) loop.add_callback([] {}, "spawn");
    draw(1s);
    pump(500ms);
    expect_only(Lint::not_pumped, "spawn");
}

TEST_F(LintsOfHosts, a_socket_that_is_ready_and_nobody_runs_the_loop_is_not_pumped) {
    if (loop.native_handle() == invalid_fd) GTEST_SKIP() << "this poller does not tell from outside";
    const SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd fd, Events) { SocketPair::read_all(fd); }, Events::read, "link");
    pump(200ms);
    pair.send_to_a();
    draw(1s);
    expect_only(Lint::not_pumped, "");
    loop.remove_handler(pair.a);
}

TEST_F(LintsOfHosts, a_loop_without_work_that_nobody_runs_is_none) {
    loop.call_later(
        1h, [] {}, "much later");
    pump(200ms);
    draw(2s);
    expect_none();
}

TEST_F(LintsOfHosts, a_loop_that_is_paused_or_suspended_is_none) {
    loop.call_later(
        100ms, [] {}, "spawn");
    pump(50ms);
    loop.add_callback([] {}, "waiting");
    loop.set_paused(true);
    draw(2s);
    loop.set_paused(false);
    pump(200ms);
    loop.suspend();
    draw(2s);
    loop.resume();
    pump(500ms);
    expect_none();
}

TEST_F(LintsOfHosts, a_program_that_was_stopped_as_a_whole_is_none) {
    loop.call_later(
        100ms, [] {}, "spawn");
    pump(50ms);
    world.advance(60s); // in a debugger: nobody looks either
    look();
    pump(500ms);
    expect_none();
}

// ---- cross-thread -------------------------------------------------------------------------------

TEST_F(LintsOfHosts, a_member_for_the_loops_thread_that_another_one_calls_is_cross_thread) {
    bool refused = false;
    // A handler of the loop runs, so there is no doubt whose thread it is.
    loop.add_callback(
        [&] {
            std::thread([&] {
                try {
                    loop.call_later(
                        1s, [] {}, "from the worker");
                } catch (const std::logic_error&) {
                    refused = true;
                }
            }).join();
        },
        "start worker");
    pump(500ms);
    ASSERT_TRUE(refused);
    const Finding& found = expect_only(Lint::cross_thread, "from the worker");
    EXPECT_EQ(found.count, 1U);
    EXPECT_NE(found.sentence.view().find("call_later()"), std::string_view::npos) << found.sentence.view();
}

TEST_F(LintsOfHosts, posts_from_another_thread_are_none) {
    each_turn = [&] { std::thread([&] { loop.add_callback([] {}, "news"); }).join(); };
    pump(1s, 10);
    expect_none();
}

// ---- findings -----------------------------------------------------------------------------------

TEST_F(LintsOfHosts, a_finding_that_is_seen_no_more_is_past_after_three_seconds_and_stays) {
    loop.add_callback([] { throw std::runtime_error("no"); }, "load");
    pump(200ms);
    EXPECT_TRUE(linter.findings()[0].active);
    const TimePoint since = linter.findings()[0].since;
    const std::uint64_t version = linter.version();
    pump(2500ms);
    EXPECT_TRUE(linter.findings()[0].active);
    EXPECT_EQ(linter.version(), version) << "nothing has changed";
    pump(1s);
    ASSERT_EQ(linter.findings().size(), 1U);
    EXPECT_FALSE(linter.findings()[0].active);
    EXPECT_EQ(linter.findings()[0].since, since);
    EXPECT_GT(linter.version(), version);

    loop.add_callback([] { throw std::runtime_error("no"); }, "load");
    pump(200ms);
    ASSERT_EQ(linter.findings().size(), 2U) << "another episode";
    EXPECT_TRUE(linter.findings()[0].active) << "the active one comes first";
    EXPECT_GT(linter.findings()[0].since, since);
}

TEST_F(LintsOfHosts, the_past_is_bounded_and_cleared) {
    for (int i = 0; i < 70; ++i) {
        loop.add_callback([] { throw std::runtime_error("no"); }, "load");
        pump(3500ms, 2);
    }
    EXPECT_EQ(linter.findings().size(), 64U);
    linter.clear();
    expect_none();
    pump(1s);
    expect_none();
}

TEST_F(LintsOfHosts, a_muted_lint_is_marked_and_not_left_out) {
    linter.set_muted(Lint::threw, true);
    EXPECT_TRUE(linter.muted(Lint::threw));
    loop.add_callback([] { throw std::runtime_error("no"); }, "load");
    pump(200ms);
    ASSERT_EQ(linter.findings().size(), 1U);
    EXPECT_TRUE(linter.findings()[0].muted);
    linter.set_muted(Lint::threw, false);
    EXPECT_FALSE(linter.findings()[0].muted);
}

TEST_F(LintsOfHosts, while_the_loop_is_paused_what_was_found_stays_active) {
    loop.add_callback([] { throw std::runtime_error("no"); }, "load");
    pump(200ms);
    loop.set_paused(true);
    draw(1min);
    loop.set_paused(false);
    pump(100ms);
    EXPECT_TRUE(linter.findings()[0].active);
}

TEST_F(LintsOfHosts, a_recorder_that_is_cleared_is_no_news) {
    loop.add_callback([] { throw std::runtime_error("no"); }, "load");
    for (int i = 0; i < 200; ++i)
        loop.call_later(
            i * 5ms, [] {}, "tick");
    pump(500ms);
    linter.clear();
    recorder.clear();
    pump(2s);
    expect_none();
}

TEST_F(LintsOfHosts, a_linter_that_is_made_later_does_not_find_what_was_before) {
    loop.add_callback([] { throw std::runtime_error("no"); }, "load");
    pump(200ms);
    Linter late(loop, recorder);
    pump(200ms);
    late.check(snapshot);
    EXPECT_TRUE(late.findings().empty()) << text_of_all(late.findings());
}

TEST_F(LintsOfHosts, looking_again_allocates_nothing) {
    const SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    PeriodicCallback tick(
        loop, 1ms, [] {}, "tick");
    tick.start();
    pair.send_to_a();
    pump(2s);
    const auto before = heap_allocations.load();
    pump(2s);
    EXPECT_EQ(heap_allocations.load(), before);
    expect_only(Lint::busy_read, "link");
    loop.remove_handler(pair.a);
}

TEST(LintTexts, every_lint_has_a_name_of_its_own_and_says_what_to_do) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < lint_count; ++i) {
        const LintText& text = text_of(static_cast<Lint>(i));
        EXPECT_TRUE(names.insert(text.name).second) << text.name;
        for (const char* each : {text.title, text.why, text.fix}) EXPECT_GT(std::string(each).size(), 10U);
        EXPECT_NE(text.severity, Severity::ok);
    }
    EXPECT_STREQ(text_of(Lint::busy_read).name, "busy-read");
    EXPECT_STREQ(text_of(Lint::threw).name, "threw");
    EXPECT_STREQ(text_of(Lint::cross_thread).name, "cross-thread");
}

} // namespace
