// SPDX-License-Identifier: MIT
// Lints of calls and of what delays them: each bug yields its finding and no other, and what looks like it yields none.
#include "support/linted_loop.hpp"

#include <functional>
#include <stdexcept>
#include <system_error>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

class LintsOfCalls : public LintedLoop {
protected:
    ~LintsOfCalls() override { loop.close(); }

    /// Posts itself for ever.
    void again(Duration took = {}) {
        loop.add_callback(
            [this, took] {
                world.advance(took);
                again(took);
            },
            "again");
    }
    bool says(const Finding& found, std::string_view what) {
        return found.sentence.view().find(what) != std::string_view::npos;
    }
};

// ---- slow-dispatch ------------------------------------------------------------------------------

TEST_F(LintsOfCalls, one_call_of_a_quarter_second_is_slow_dispatch) {
    pump(200ms);
    loop.add_callback([&] { world.advance(250ms); }, "load level");
    pump(1s);
    const Finding& found = expect_only(Lint::slow_dispatch, "load level");
    EXPECT_EQ(found.kind, CallKind::callback);
    EXPECT_EQ(found.count, 1U);
    EXPECT_TRUE(says(found, "took 2")) << found.sentence.view();
}

TEST_F(LintsOfCalls, calls_of_15_ms_one_after_the_other_are_slow_dispatch_with_their_number) {
    for (int i = 0; i < 5; ++i) {
        loop.add_callback([&] { world.advance(15ms); }, "decode");
        pump(100ms, 10);
    }
    const Finding& found = expect_only(Lint::slow_dispatch, "decode");
    EXPECT_GE(found.count, 3U);
}

TEST_F(LintsOfCalls, a_slow_call_takes_the_blame_for_what_is_late_because_of_it) {
    PeriodicCallback tick(
        loop, 10ms, [] {}, "tick");
    tick.start();
    PeriodicCallback slow(
        loop, 150ms, [&] { world.advance(60ms); }, "save game");
    slow.start();
    each_turn = [&] { loop.add_callback([] {}, "small"); };
    pump(2s);
    expect_only(Lint::slow_dispatch, "save game");
}

TEST_F(LintsOfCalls, one_call_of_6_ms_proves_nothing) {
    loop.add_callback([&] { world.advance(6ms); }, "once");
    pump(1s);
    expect_none();
}

TEST_F(LintsOfCalls, a_modal_dialog_that_runs_the_loop_itself_is_none) {
    loop.add_callback(
        [&] {
            for (int i = 0; i < 60; ++i) {
                world.advance(16ms);
                loop.run_once();
            }
        },
        "dialog");
    pump(1s);
    expect_none();
}

// ---- over-budget --------------------------------------------------------------------------------

TEST_F(LintsOfCalls, frames_that_the_loop_takes_a_great_part_of_are_over_budget) {
    each_turn = [&] {
        recorder.begin_frame();
        for (int i = 0; i < 5; ++i) loop.add_callback([&] { world.advance(2ms); }, "particles");
    };
    pump(1s, 6);
    pump(1s, 6);
    const Finding& found = expect_only(Lint::over_budget, "particles");
    EXPECT_TRUE(says(found, " frames")) << found.sentence.view();
}

TEST_F(LintsOfCalls, frames_within_the_budget_are_none) {
    each_turn = [&] {
        recorder.begin_frame();
        for (int i = 0; i < 3; ++i) loop.add_callback([&] { world.advance(1ms); }, "particles");
    };
    pump(2s, 6);
    expect_none();
}

// ---- repost-forever -----------------------------------------------------------------------------

TEST_F(LintsOfCalls, a_callback_that_posts_itself_is_repost_forever) {
    again();
    pump(1s);
    const Finding& found = expect_only(Lint::repost_forever, "again");
    EXPECT_GE(found.count, 60U);
    EXPECT_EQ(found.kind, CallKind::callback);
}

TEST_F(LintsOfCalls, a_job_that_posts_itself_50_times_is_none) {
    std::function<void(int)> piece = [&](int left) {
        if (left > 0) loop.add_callback([&piece, left] { piece(left - 1); }, "piece");
    };
    piece(50);
    pump(1s);
    expect_none();
}

TEST_F(LintsOfCalls, a_host_that_posts_something_in_every_frame_is_none) {
    each_turn = [&] { loop.add_callback([] {}, "frame"); };
    pump(2s);
    expect_none();
}

// ---- starvation, late-timer ---------------------------------------------------------------------

TEST_F(LintsOfCalls, callbacks_that_wait_behind_others_under_a_budget_are_starvation) {
    for (int i = 0; i < 400; ++i) loop.add_callback([] {}, "chunk");
    // A turn under way takes many frames of one call each.
    for (int frame = 0; frame < 120; ++frame) {
        loop.run_once(no_wait, Budget{forever, 2});
        world.advance(16ms);
        look();
    }
    const Finding& found = expect_only(Lint::starvation, "chunk");
    EXPECT_EQ(found.kind, CallKind::callback);
    EXPECT_TRUE(says(found, "'chunk'")) << found.sentence.view();
}

TEST_F(LintsOfCalls, timeouts_that_wait_for_many_short_calls_are_late_timer_and_the_sentence_says_whose) {
    PeriodicCallback tick(
        loop, 100ms, [] {}, "tick");
    tick.start();
    for (int i = 0; i < 20; ++i) {
        for (int n = 0; n < 25; ++n) loop.add_callback([&] { world.advance(3ms); }, "parse");
        pump(100ms, 3);
    }
    const Finding& found = expect_only(Lint::late_timer, "tick");
    EXPECT_EQ(found.kind, CallKind::timeout);
    EXPECT_NE(found.id, 0U);
    EXPECT_TRUE(says(found, "'parse'")) << found.sentence.view();
}

TEST_F(LintsOfCalls, a_burst_of_posts_is_none) {
    for (int i = 0; i < 5; ++i) {
        for (int n = 0; n < 5000; ++n) loop.add_callback([] {}, "event");
        pump(400ms);
    }
    expect_none();
}

TEST_F(LintsOfCalls, what_was_posted_before_a_pause_has_not_starved_in_it) {
    pump(200ms);
    for (int i = 0; i < 20; ++i) loop.add_callback([] {}, "waiting");
    loop.set_paused(true);
    world.advance(10s);
    loop.set_paused(false);
    pump(1s);
    expect_none();
}

// ---- queue-growing ------------------------------------------------------------------------------

TEST_F(LintsOfCalls, a_callback_that_posts_itself_and_one_more_is_queue_growing) {
    std::function<void()> more = [&] { loop.add_callback([&] { more(); }, "more"); };
    std::function<void()> grow = [&] {
        loop.add_callback(
            [&] {
                grow();
                more();
            },
            "more");
    };
    grow();
    pump(1s);
    expect_only(Lint::queue_growing, "more");
}

TEST_F(LintsOfCalls, a_host_that_posts_more_than_its_budget_can_run_is_queue_growing) {
    for (int frame = 0; frame < 120; ++frame) {
        for (int i = 0; i < 40; ++i) loop.add_callback([] {}, "event");
        loop.run_once(no_wait, Budget{forever, 20});
        world.advance(16ms);
        look();
    }
    const Finding& found = expect_only(Lint::queue_growing, "event");
    EXPECT_GE(found.count, 256U);
}

// ---- threw --------------------------------------------------------------------------------------

TEST_F(LintsOfCalls, an_exception_that_leaves_a_callable_is_threw_with_what_it_said) {
    for (int i = 0; i < 3; ++i) loop.add_callback([] { throw std::runtime_error("no such level"); }, "load");
    pump(500ms);
    const Finding& found = expect_only(Lint::threw, "load");
    EXPECT_EQ(found.count, 3U);
    EXPECT_TRUE(says(found, "no such level")) << found.sentence.view();
}

TEST_F(LintsOfCalls, a_broken_pipe_out_of_a_handler_is_none_as_the_loop_takes_it_for_none) {
    const SocketPair pair;
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            SocketPair::read_all(fd);
            throw std::system_error(make_error_code(std::errc::broken_pipe));
        },
        Events::read, "link");
    pair.send_to_a();
    pump(500ms);
    expect_none();
    loop.remove_handler(pair.a);
}

} // namespace
