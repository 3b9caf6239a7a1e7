// SPDX-License-Identifier: MIT
// Callbacks: posted, and run in the next turn.
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::ElementsAre;

class Callbacks : public testing::Test {
protected:
    SimWorld world;
    IOLoop loop{world.options()};
    std::vector<int> order;

    Callback note(int number) {
        return [this, number] { order.push_back(number); };
    }
};

TEST_F(Callbacks, B1_callbacks_run_first_in_first_out) {
    for (int i = 1; i <= 5; ++i) loop.add_callback(note(i));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5));
}

TEST_F(Callbacks, B1_the_same_callable_posted_twice_runs_twice) {
    const std::function<void()> same = [this] { order.push_back(1); };
    loop.add_callback(same);
    loop.add_callback(same);
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 1));
}

/// A closure of `size` bytes, captured by value.
template <std::size_t size> void post_sized(IOLoop& loop, std::vector<int>& order) {
    static std::vector<int>* out;
    out = &order;
    std::array<unsigned char, size> captured{};
    for (std::size_t i = 0; i < size; ++i) captured[i] = static_cast<unsigned char>(i + 1);
    loop.add_callback([captured] {
        int sum = 0;
        for (const unsigned char byte : captured) sum += byte;
        out->push_back(sum);
    });
}

TEST_F(Callbacks, B1_a_closure_of_any_size_comes_with_all_that_it_captured) {
    const auto post_all = [this] {
        loop.add_callback(+[] {});
        post_sized<1>(loop, order);
        post_sized<4>(loop, order);
        post_sized<8>(loop, order);
        post_sized<13>(loop, order);
        post_sized<16>(loop, order);
        post_sized<17>(loop, order);
        post_sized<48>(loop, order);
        post_sized<49>(loop, order);
    };
    post_all();
    loop.run_once();
    const std::vector<int> sums{1, 10, 36, 91, 136, 153, 1176, 1225};
    EXPECT_EQ(order, sums);

    order.clear();
    loop.add_callback([&] { post_all(); }); // by a callable, they come with its chain
    loop.run_once();
    loop.run_once();
    EXPECT_EQ(order, sums);
}

TEST_F(Callbacks, B1_a_callback_may_own_what_cannot_be_copied) {
    loop.add_callback([this, number = std::make_unique<int>(7)] { order.push_back(*number); });
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(7));
}

TEST_F(Callbacks, B1_a_callback_runs_once) {
    loop.add_callback(note(1));
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Callbacks, B2_what_a_callback_posts_waits_for_the_next_turn) {
    loop.add_callback([&] {
        order.push_back(1);
        loop.add_callback(note(3));
    });
    loop.add_callback(note(2));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Callbacks, B2_what_a_timeout_posts_waits_for_the_next_turn) {
    loop.call_later(0s, [&] { loop.add_callback(note(1)); });
    loop.run_once();
    EXPECT_TRUE(order.empty());
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Callbacks, B2_what_a_handler_posts_runs_in_the_same_turn) {
    const SocketPair pair;
    loop.add_handler(
        pair.a,
        [&](Fd, Events) {
            pair.read_a();
            loop.add_callback(note(1));
        },
        Events::read);
    pair.send_to_a();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Callbacks, B2_descriptors_are_served_between_two_rounds_of_callbacks) {
    const SocketPair pair;
    loop.add_handler(
        pair.a,
        [&](Fd fd, Events) {
            order.push_back(0);
            loop.remove_handler(fd);
        },
        Events::read);
    loop.add_callback([&] {
        pair.send_to_a();
        loop.add_callback(note(1));
    });
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(0, 1));
}

TEST_F(Callbacks, B2_a_failing_error_hook_does_not_lose_the_rest_of_the_batch) {
    loop.set_error_hook(
        [](std::exception_ptr error, const Origin&, CallKind) { std::rethrow_exception(error); });
    loop.add_callback(note(1));
    loop.add_callback([] { throw std::runtime_error("escapes"); });
    loop.add_callback(note(2));
    EXPECT_THROW(loop.run_once(), std::runtime_error);
    EXPECT_THAT(order, ElementsAre(1));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(Callbacks, B4_a_post_by_a_callable_of_the_loop_wakes_nobody) {
    loop.add_callback([&] { loop.add_callback(note(1)); });
    loop.run_once();
    loop.run_once();
    EXPECT_EQ(world.wakes, 0);
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Callbacks, B5_a_callback_is_destroyed_right_after_its_call) {
    auto first = std::make_shared<int>();
    const std::weak_ptr<int> watch = first;
    bool alive_at_second = true;
    loop.add_callback([first = std::move(first)] {});
    loop.add_callback([&] { alive_at_second = !watch.expired(); });
    loop.run_once();
    EXPECT_FALSE(alive_at_second);
}

TEST_F(Callbacks, B5_what_a_closure_posts_as_it_is_destroyed_was_posted_by_its_callback) {
    struct PostsAtTheEnd {
        explicit PostsAtTheEnd(IOLoop& l) : loop(l) {}
        PostsAtTheEnd(const PostsAtTheEnd&) = delete;
        PostsAtTheEnd& operator=(const PostsAtTheEnd&) = delete;
        ~PostsAtTheEnd() {
            loop.add_callback(
                [&l = loop] { EXPECT_STREQ(origin_of(l.running_chain().sites[1]).name, "first"); });
        }
        IOLoop& loop;
    };
    loop.add_callback([end = std::make_unique<PostsAtTheEnd>(loop)] {}, "first");
    loop.run_once();
    EXPECT_EQ(loop.run_once().callbacks, 1U);
}

TEST_F(Callbacks, B6_with_a_callback_queued_the_loop_does_not_sleep) {
    loop.call_later(1h, note(2));
    loop.add_callback(note(1));
    loop.run_once(forever);
    EXPECT_THAT(order, ElementsAre(1));
    EXPECT_EQ(world.elapsed(), 0s);
}

TEST_F(Callbacks, B7_a_callback_that_throws_is_reported_with_its_origin_and_the_rest_runs) {
    std::string report;
    loop.set_error_hook([&](std::exception_ptr error, const Origin& origin, CallKind kind) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            report = std::string(name_of(kind)) + " " + origin.name + ": " + e.what();
        }
    });
    loop.add_callback([] { throw std::runtime_error("oops"); }, "spawn enemies");
    loop.add_callback(note(1));
    loop.run_once();
    EXPECT_EQ(report, "callback spawn enemies: oops");
    EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(Callbacks, B7_without_a_hook_one_line_on_stderr_says_which_callback_threw_and_what) {
    loop.add_callback([] { throw std::runtime_error("oops"); }, "spawn enemies");
    testing::internal::CaptureStderr();
    loop.run_once();
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_THAT(text, testing::AllOf(testing::HasSubstr("spawn enemies"), testing::HasSubstr("oops"),
                                     testing::HasSubstr("callbacks.cpp")));
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(Callbacks, B8_a_post_after_close_is_dropped_and_says_so) {
    loop.close();
    auto life = std::make_shared<int>();
    EXPECT_FALSE(loop.add_callback([life] {}));
    EXPECT_FALSE(loop.spawn_callback([life] {}));
    EXPECT_EQ(life.use_count(), 1);
}

TEST_F(Callbacks, B8_callbacks_that_close_drops_are_destroyed_not_run) {
    auto life = std::make_shared<int>();
    EXPECT_TRUE(loop.add_callback([this, life] { order.push_back(1); }));
    loop.close();
    EXPECT_EQ(life.use_count(), 1);
    EXPECT_TRUE(order.empty());
}

TEST_F(Callbacks, B9_the_destructor_of_a_callback_may_post) {
    struct Poster {
        std::function<void()> f;
        explicit Poster(std::function<void()> g) : f(std::move(g)) {}
        Poster(Poster&& p) noexcept : f(std::exchange(p.f, nullptr)) {}
        Poster& operator=(Poster&&) = delete;
        ~Poster() {
            if (f) f();
        }
        void operator()() const {}
    };
    loop.add_callback(Poster([&] { loop.add_callback(note(1)); }));
    loop.run_once();
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1));

    bool accepted = true;
    loop.add_callback(Poster([&] { accepted = loop.add_callback(note(2)); }));
    loop.close();
    EXPECT_FALSE(accepted);
}

TEST_F(Callbacks, F5_a_result_that_is_no_work_is_dropped) { // test_add_callback_return_sequence
    int calls = 0;
    loop.add_callback([&] {
        ++calls;
        return std::vector<int>();
    });
    loop.call_later(0s, [&] { return ++calls; });
    loop.run_once();
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(loop.run_once().ended, Ended::idle);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Callbacks, F4_spawned_callbacks_queue_with_the_others) {
    loop.add_callback(note(1));
    loop.spawn_callback(note(2));
    loop.add_callback(note(3));
    loop.run_once();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Callbacks, a_callback_is_a_consequence_of_the_one_that_posted_it_and_a_spawned_one_is_not) {
    loop.add_callback(
        [&] {
            loop.add_callback([] {}, "child");
            loop.spawn_callback([] {}, "orphan");
        },
        "parent");
    loop.run_once();
    Snapshot snapshot;
    loop.snapshot(snapshot);
    ASSERT_EQ(snapshot.callbacks.size(), 2U);
    EXPECT_STREQ(snapshot.callbacks[0].origin.name, "child");
    EXPECT_STREQ(origin_of(snapshot.callbacks[0].chain.sites[1]).name, "parent");
    EXPECT_STREQ(snapshot.callbacks[1].origin.name, "orphan");
    EXPECT_EQ(snapshot.callbacks[1].chain.sites[1], SiteId::none);
}

TEST_F(Callbacks, nested_posts_run_in_the_order_in_which_they_were_made) {
    loop.add_callback([&] {
        order.push_back(1);
        loop.add_callback([&] {
            order.push_back(2);
            loop.add_callback(note(3));
        });
    });
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(Callbacks, the_queue_may_grow_while_it_runs) {
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([&, i] {
            order.push_back(i);
            for (int j = 0; j < 50; ++j) loop.add_callback(note(100 + i * 50 + j));
        });
    }
    loop.run_once();
    loop.run_once();
    ASSERT_EQ(order.size(), 5100U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(Callbacks, a_small_closure_that_can_only_be_moved_is_taken_though_it_is_but_bytes) {
    struct Token {
        explicit Token(int n) : number(n) {}
        Token(Token&&) = default;
        Token(const Token&) = delete;
        Token& operator=(Token&&) = delete;
        Token& operator=(const Token&) = delete;
        ~Token() = default;
        int number;
    };
    static_assert(std::is_trivially_copyable_v<Token>);
    loop.add_callback([this, token = Token(1)] { order.push_back(token.number); });
    loop.add_callback_from_signal([this, token = Token(2)] { order.push_back(token.number); });
    loop.run_ready();
    EXPECT_THAT(order, ElementsAre(1, 2));
}

} // namespace
