// SPDX-License-Identifier: MIT
// Memory: none is asked for in a steady state, all of it comes from where it should, and a lack of it loses
// nothing.
#include "support/counting_new.hpp"
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <new>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

/// Counts, and refuses when it is told to.
class Memory : public std::pmr::memory_resource {
public:
    long allocations = 0;
    long in_use = 0;
    long refuse_after = -1; ///< so many more allocations are granted; -1: all

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (refuse_after == 0) throw std::bad_alloc();
        if (refuse_after > 0) --refuse_after;
        ++allocations;
        in_use += static_cast<long>(bytes);
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        in_use -= static_cast<long>(bytes);
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

class Allocations : public testing::Test {
protected:
    SimWorld world;
    Memory memory;
    IOLoop loop{options()};

    IOLoop::Options options() {
        IOLoop::Options options = world.options();
        options.memory = &memory;
        return options;
    }
    /// Runs `work` until it is warm, then counts what it allocates.
    template <class F> long allocations_of(F&& work) {
        for (int i = 0; i < 2; ++i) work(); // the inbox has two halves
        const long before = static_cast<long>(heap_allocations.load()) + memory.allocations;
        work();
        return static_cast<long>(heap_allocations.load()) + memory.allocations - before;
    }
};

// ---- the steady state ---------------------------------------------------------------------------

TEST_F(Allocations, a_million_posts_allocate_nothing) {
    int calls = 0;
    EXPECT_EQ(allocations_of([&] {
                  for (int turn = 0; turn < 1000 / os::turns_left_out; ++turn) {
                      for (int i = 0; i < 1000; ++i) loop.add_callback([&calls] { ++calls; });
                      loop.run_once();
                  }
              }),
              0);
    EXPECT_EQ(calls, 3'000'000 / os::turns_left_out);
}

TEST_F(Allocations, a_million_posts_by_callbacks_allocate_nothing) {
    struct Again {
        IOLoop* loop;
        long* left;
        void operator()() const {
            if (--*left > 0) loop->add_callback(Again(*this));
        }
    };
    EXPECT_EQ(allocations_of([&] {
                  long left = 1'000'000 / os::turns_left_out;
                  loop.add_callback(Again{&loop, &left});
                  while (left > 0) loop.run_once();
              }),
              0);
}

TEST_F(Allocations, a_million_timeouts_allocate_nothing) {
    int calls = 0;
    EXPECT_EQ(allocations_of([&] {
                  for (int turn = 0; turn < 1000 / os::turns_left_out; ++turn) {
                      for (int i = 0; i < 1000; ++i) loop.call_later(i * 1us, [&calls] { ++calls; });
                      loop.run_once(1ms);
                      loop.run_until(world.now() + 2ms);
                  }
              }),
              0);
    EXPECT_EQ(calls, 3'000'000 / os::turns_left_out);
}

TEST_F(Allocations, what_goes_through_a_scope_allocates_no_more_than_without) {
    Scope scope(loop, "level");
    EXPECT_EQ(allocations_of([&] {
                  for (int turn = 0; turn < 1000; ++turn) {
                      for (int i = 0; i < 10; ++i) scope.add_callback([] {});
                      for (int i = 0; i < 10; ++i) scope.call_later(0s, [] {});
                      scope.remove_timeout(scope.call_later(1h, [] {}));
                      loop.run_once(1ms);
                  }
              }),
              0);
}

TEST_F(Allocations, posts_out_of_signal_handlers_allocate_nothing) {
    long calls = 0;
    EXPECT_EQ(allocations_of([&] {
                  for (int turn = 0; turn < 1000; ++turn) {
                      for (int i = 0; i < 60; ++i) loop.add_callback_from_signal([&calls] { ++calls; });
                      loop.run_once();
                  }
              }),
              0);
    EXPECT_EQ(calls, 180'000);
}

TEST_F(Allocations, arming_moving_and_removing_timeouts_allocates_nothing) {
    std::vector<Timeout> timeouts(1000);
    EXPECT_EQ(allocations_of([&] {
                  for (int round = 0; round < 100; ++round) {
                      for (Timeout& timeout : timeouts) timeout = loop.call_later(1h, [] {});
                      for (const Timeout timeout : timeouts) loop.update_timeout(timeout, world.now() + 2h);
                      for (const Timeout timeout : timeouts) loop.remove_timeout(timeout);
                  }
              }),
              0);
}

TEST_F(Allocations, timeouts_whose_closures_are_large_allocate_nothing_either) {
    std::vector<Timeout> timeouts(1000);
    std::array<std::uint64_t, 5> captured{};
    int calls = 0;
    EXPECT_EQ(allocations_of([&] {
                  for (int round = 0; round < 100; ++round) {
                      for (Timeout& timeout : timeouts)
                          timeout = loop.call_later(
                              1h, [&calls, captured] { calls += 1 + static_cast<int>(captured[4]); });
                      for (std::size_t i = 0; i < timeouts.size(); ++i)
                          i % 2 == 0 ? loop.remove_timeout(timeouts[i])
                                     : loop.update_timeout(timeouts[i], world.now());
                      loop.run_once();
                  }
              }),
              0);
    EXPECT_EQ(calls, 150'000);
}

TEST_F(Allocations, a_hundred_thousand_events_of_descriptors_allocate_nothing) {
    std::vector<SocketPair> pairs(10);
    for (const SocketPair& pair : pairs)
        loop.add_handler(
            pair.a, [](Fd, Events) {}, Events::write);
    EXPECT_EQ(allocations_of([&] {
                  for (int turn = 0; turn < 10'000 / os::turns_left_out; ++turn) loop.run_once();
              }),
              0);
    for (const SocketPair& pair : pairs) loop.remove_handler(pair.a);
}

TEST_F(Allocations, adding_and_removing_handlers_allocates_nothing) {
    const SocketPair pair;
    EXPECT_EQ(allocations_of([&] {
                  for (int i = 0; i < 10'000 / os::turns_left_out; ++i) {
                      loop.add_handler(
                          pair.a, [](Fd, Events) {}, Events::read);
                      loop.update_handler(pair.a, Events::write);
                      loop.remove_handler(pair.a);
                  }
              }),
              0);
}

TEST_F(Allocations, posts_from_another_thread_allocate_nothing) {
    std::atomic<int> round{0};
    std::atomic<int> posted{0};
    std::thread poster([&] { // one thread throughout: starting one allocates
        for (int next = 1;; ++next) {
            os::await_change(round, next - 1);
            if (round < 0) return;
            for (int i = 0; i < 10'000; ++i) loop.add_callback([] {});
            posted = next;
            posted.notify_one();
        }
    });
    EXPECT_EQ(allocations_of([&] {
                  const int before = posted;
                  ++round;
                  round.notify_one();
                  os::await_change(posted, before);
                  loop.run_once();
              }),
              0);
    round = -1;
    round.notify_one();
    poster.join();
}

TEST_F(Allocations, a_recorder_and_a_snapshot_every_frame_allocate_nothing) {
    Recorder recorder;
    Snapshot snapshot;
    loop.set_observer(&recorder);
    EXPECT_EQ(allocations_of([&] {
                  for (int frame = 0; frame < 1000; ++frame) {
                      for (int i = 0; i < 10; ++i) loop.add_callback([] {});
                      loop.snapshot(snapshot);
                      loop.run_once(no_wait, Budget{2ms});
                  }
              }),
              0);
}

// ---- the resource -------------------------------------------------------------------------------

TEST(Memory, slots_queue_and_heap_live_in_the_resource_of_the_options_and_are_given_back) {
    SimWorld world;
    Memory memory;
    {
        IOLoop::Options options = world.options();
        options.memory = &memory;
        IOLoop loop(std::move(options));
        const SocketPair pair;
        const long before = memory.allocations;
        loop.add_handler(
            pair.a, [](Fd, Events) {}, Events::read);
        loop.call_later(1s, [] {});
        loop.add_callback([] {});
        loop.run_once();
        EXPECT_GT(memory.allocations, before + 2);
        loop.close();
    }
    EXPECT_EQ(memory.in_use, 0);
}

TEST(Memory, a_number_that_is_no_descriptor_makes_no_table_grow) {
    SimWorld world;
    Memory memory;
    IOLoop::Options options = world.options();
    options.memory = &memory;
    IOLoop loop(std::move(options));
    std::error_code error;
    loop.add_handler(
        100'000'000, [](Fd, Events) {}, Events::read, error);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);
    EXPECT_LT(memory.in_use, 1'000'000);
}

/// Tries a small life of a loop again and again, with one more allocation granted each time: whatever was
/// accepted runs exactly once, and what was refused never.
TEST(Memory, a_lack_of_memory_is_an_exception_that_changes_nothing) {
    const std::vector<SocketPair> pairs(70);
    bool refused = true;
    for (long granted = 1; refused; ++granted) {
        SCOPED_TRACE(granted);
        refused = false;
        SimWorld world;
        Memory memory;
        IOLoop::Options options = world.options();
        options.memory = &memory;
        IOLoop loop(std::move(options));
        std::vector<int> expected;
        std::vector<int> ran;
        memory.refuse_after = granted;
        const auto attempt = [&](const std::function<void()>& f) {
            try {
                f();
                return true;
            } catch (const std::bad_alloc&) {
                refused = true;
                return false;
            }
        };
        for (int i = 0; i < 70; ++i) {
            const auto note = [&ran](int number) {
                return [&ran, number](auto&&...) { ran.push_back(number); };
            };
            if (attempt([&] { loop.call_later(0s, note(i)); })) expected.push_back(i);
            if (attempt([&] { loop.add_callback(note(100 + i)); })) expected.push_back(100 + i);
            if (attempt([&] {
                    loop.add_handler(pairs[static_cast<std::size_t>(i)].a, note(200 + i), Events::write);
                })) {
                expected.push_back(200 + i);
            }
        }
        for (int tries = 0; tries < 3; ++tries) attempt([&] { loop.run_once(); });
        memory.refuse_after = -1;
        loop.run_once();
        Snapshot snapshot;
        loop.snapshot(snapshot);
        EXPECT_EQ(snapshot.handlers.size(),
                  static_cast<std::size_t>(
                      std::count_if(expected.begin(), expected.end(), [](int n) { return n >= 200; })));
        EXPECT_TRUE(snapshot.timeouts.empty());
        // Handlers run every turn; once is enough here.
        std::sort(ran.begin(), ran.end());
        ran.erase(std::unique(std::lower_bound(ran.begin(), ran.end(), 200), ran.end()), ran.end());
        std::sort(expected.begin(), expected.end());
        EXPECT_EQ(ran, expected);
    }
}

} // namespace
