// SPDX-License-Identifier: MIT
// What the InspectorServer does for its viewers, and what becomes of the program meanwhile.
#include "support/inspected_program.hpp"
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

struct Services : InspectedProgram {
    std::string ask_for(Kind kind) {
        Command command;
        command.kind = kind;
        return ask(command);
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

#if !defined(_WIN32)
TEST_F(Services, without_descriptors_a_paused_program_does_not_spin_and_hears_its_viewers) {
    serve(commanded());
    ASSERT_TRUE(attach());
    pumping = false;
    std::thread thread([&] { program.start(); });
    EXPECT_EQ(ask_for(Kind::pause), "paused the loop");
    EXPECT_TRUE(more());
    {
        const NoDescriptors none(0);
        const std::clock_t used = std::clock();
        const auto end = steady_clock().now() + 200ms;
        while (steady_clock().now() < end) viewers.run_once(until(end, steady_clock().now()));
        EXPECT_LT(std::clock() - used, CLOCKS_PER_SEC / 10) << "of a fifth of a second";
        EXPECT_EQ(ask_for(Kind::resume), "resumed the loop");
    }
    program.stop();
    thread.join();
}
#endif

} // namespace
