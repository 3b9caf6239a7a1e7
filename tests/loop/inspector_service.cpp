// SPDX-License-Identifier: MIT
// What the InspectorServer does for its viewers, and what becomes of the program meanwhile.
#include "support/strangers.hpp"
#if !defined(_WIN32)
#include "support/no_descriptors.hpp"
#endif

#include <ctime>
#include <exception>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using Kind = Command::Kind;

struct Services : Strangers {
    std::string ask_for(Kind kind) {
        Command command;
        command.kind = kind;
        return ask(command);
    }
    /// f(), while the program is in start() on a thread of its own, and a viewer has paused it.
    template <class F> void in_a_pause(F f) {
        serve(commanded());
        ASSERT_TRUE(attach());
        pumping = false;
        std::thread thread([&] { program.start(); });
        EXPECT_EQ(ask_for(Kind::pause), "paused the loop");
        f();
        program.set_paused(false);
        program.stop();
        thread.join();
    }
    /// Of the process, while the viewers look on for a fifth of a second.
    Duration cpu_time_of_a_look() {
        const std::clock_t begin = std::clock();
        const auto end = steady_clock().now() + 200ms;
        while (steady_clock().now() < end) viewers.run_once(until(end, steady_clock().now()));
        return std::chrono::microseconds((std::clock() - begin) * 1'000'000 / CLOCKS_PER_SEC);
    }
};

TEST_F(Services, an_error_hook_may_throw_out_of_a_step_and_the_viewers_are_served_on) {
    serve(commanded());
    ASSERT_TRUE(attach());
    EXPECT_EQ(ask_for(Kind::pause), "paused the loop");
    program.set_error_hook(
        [](const std::exception_ptr& error, const Origin&, CallKind) { std::rethrow_exception(error); });
    program.add_callback([] { throw std::runtime_error("of the program"); });
    Command step;
    step.kind = Kind::step_call;
    source->request(step);
    const auto throws = [&] {
        try {
            return !run_until([] { return false; });
        } catch (const std::runtime_error&) {
            return true;
        }
    };
    ASSERT_TRUE(throws());
    EXPECT_EQ(ask_for(Kind::resume), "resumed the loop");
    Snapshot snapshot;
    program.snapshot(snapshot);
    for (const auto& info : snapshot.handlers) EXPECT_TRUE(any(info.interest)) << info.origin.name;
}

TEST_F(Services, what_descriptors_are_is_told_for_a_hundredth_of_the_time_however_often_it_is_asked) {
    for (int i = 0; i < 10'000; ++i) {
        program.call_later(
            1h, [] {}, "which make each list a long one");
    }
    const auto pair = Socket::pair();
    program.add_handler(
        pair[0].fd(), [](Fd, Events) {}, Events::read, "described");
    Snapshot snapshot;
    program.snapshot(snapshot);
    const std::uint64_t id = snapshot.handlers.front().id;
    serve();
    Stranger viewer = come_in();
    int answers = 0;
    for (int i = 0; i < 60; ++i) {
        viewer.say([&](auto& out) { write_describe(out, {&id, 1}); });
        program.run_once(1ms);
        while (viewer.answer()) ++answers;
    }
    EXPECT_LT(answers, 30);
    const auto before = answers;
    EXPECT_TRUE(run_until([&] { return (answers += viewer.answer() ? 1 : 0) > before; })) << "but in the end";
    std::vector<Described> found;
    EXPECT_TRUE(read_descriptors(viewer.bytes(), found));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].first, id);
}

TEST_F(Services, who_asks_what_nothing_is_gets_no_answer) {
    serve();
    Stranger viewer = come_in();
    viewer.say([](auto& out) {
        for (int i = 0; i < 60; ++i) write_describe(out, {});
        write_next(out);
    });
    EXPECT_EQ(answer(viewer), Message::moment);
}

#if !defined(_WIN32)
TEST_F(Services, a_paused_program_sleeps_while_a_viewer_is_attached) {
    in_a_pause([&] { EXPECT_LT(cpu_time_of_a_look(), 100ms) << "of a fifth of a second"; });
}

TEST_F(Services, without_descriptors_a_paused_program_does_not_spin_and_hears_its_viewers) {
    in_a_pause([&] {
        EXPECT_TRUE(more());
        const NoDescriptors none(0);
        EXPECT_LT(cpu_time_of_a_look(), 100ms) << "of a fifth of a second";
        EXPECT_EQ(ask_for(Kind::resume), "resumed the loop");
    });
}
#endif

} // namespace
