// SPDX-License-Identifier: MIT
#include "callback_queue.hpp"

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

Function<void()> note(std::vector<int>& out, int value) {
    return [&out, value] { out.push_back(value); };
}

std::size_t run_all(CallbackQueue& queue) {
    const std::size_t count = queue.collect();
    CallbackArena::Taker taker(queue.queued());
    for (std::size_t n = count; n > 0; --n) (*CallbackArena::Taken(taker))();
    return count;
}

} // namespace

TEST(CallbackQueue, first_in_first_out) {
    CallbackQueue queue(std::pmr::get_default_resource());
    std::vector<int> out;
    for (int i = 0; i < 1000; ++i) queue.push(note(out, i), CallbackLabel()); // grows while it is in use
    run_all(queue);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i);
}

TEST(CallbackQueue, what_another_thread_posted_before_comes_before) {
    CallbackQueue queue(std::pmr::get_default_resource());
    std::vector<int> out;
    queue.push(note(out, 1), CallbackLabel());
    std::thread([&] { queue.push_from_thread(note(out, 2), CallbackLabel()); }).join();
    queue.push(note(out, 3), CallbackLabel());
    EXPECT_EQ(queue.size(), 3U);
    run_all(queue);
    EXPECT_EQ(out, (std::vector{1, 2, 3}));
}

TEST(CallbackQueue, ids_count_up_with_the_queue) {
    CallbackQueue queue(std::pmr::get_default_resource());
    std::vector<int> out;
    for (int i = 0; i < 3; ++i) queue.push(note(out, i), CallbackLabel());
    CallbackArena::Taker(queue.queued()).take();
    std::vector<std::uint64_t> ids;
    queue.queued().for_each([&](std::uint64_t id, const CallbackRecord&) { ids.push_back(id); });
    EXPECT_EQ(ids, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(queue.queued().front_id(), 1U);
    EXPECT_EQ(queue.queued().end_id(), 3U);
}

TEST(CallbackQueue, closed_it_refuses_and_leaves_the_item_to_the_caller) {
    CallbackQueue queue(std::pmr::get_default_resource());
    std::vector<int> out;
    queue.close();
    Function<void()> callback = note(out, 1);
    EXPECT_FALSE(queue.push(std::move(callback), CallbackLabel()));
    EXPECT_FALSE(queue.push_from_thread(std::move(callback), CallbackLabel()));
    EXPECT_TRUE(callback); // NOLINT(bugprone-use-after-move): untouched is the promise
}

TEST(CallbackQueue, a_destructor_of_what_is_cleared_may_post) {
    CallbackQueue queue(std::pmr::get_default_resource());
    struct PostsOnDeath {
        CallbackQueue* queue;
        explicit PostsOnDeath(CallbackQueue* q) : queue(q) {}
        PostsOnDeath(PostsOnDeath&& o) noexcept : queue(std::exchange(o.queue, nullptr)) {}
        PostsOnDeath& operator=(PostsOnDeath&&) = delete;
        ~PostsOnDeath() {
            if (queue != nullptr) queue->push_from_thread([] {}, CallbackLabel());
        }
        void operator()() const {}
    };
    queue.push(PostsOnDeath(&queue), CallbackLabel());
    queue.push_from_thread(PostsOnDeath(&queue), CallbackLabel());
    queue.clear(); // tornado #1874 dead-locked here
    EXPECT_EQ(queue.collect(), 2U);
}

TEST(CallbackQueue, a_closure_may_post_when_it_is_moved_in) {
    CallbackQueue queue(std::pmr::get_default_resource());
    struct PostsOnEachDeath { // it has no move, so it is copied, and the original dies under the lock
        CallbackQueue* queue;
        int* posted;
        PostsOnEachDeath(CallbackQueue* q, int* p) : queue(q), posted(p) {}
        PostsOnEachDeath(const PostsOnEachDeath& o) noexcept = default;
        PostsOnEachDeath& operator=(const PostsOnEachDeath&) = delete;
        ~PostsOnEachDeath() {
            if (queue->push_from_thread([] {}, CallbackLabel())) ++*posted;
        }
        void operator()() const {}
    };
    int posted = 0;
    queue.push_from_thread(PostsOnEachDeath(&queue, &posted), CallbackLabel());
    EXPECT_GE(posted, 1);
    EXPECT_EQ(queue.collect(), static_cast<std::size_t>(posted) + 1);
    queue.close();
    run_all(queue);
}

TEST(CallbackQueue, every_producer_keeps_its_order) {
    CallbackQueue queue(std::pmr::get_default_resource());
    constexpr int producers = 4;
    constexpr int posts = 5000;
    std::vector<std::vector<int>> out(producers);
    std::vector<std::thread> threads;
    threads.reserve(producers);
    for (auto& mine : out) {
        threads.emplace_back([&queue, &mine] {
            for (int i = 0; i < posts; ++i) queue.push_from_thread(note(mine, i), CallbackLabel());
        });
    }
    std::size_t ran = 0;
    while (ran < producers * posts) ran += run_all(queue);
    for (auto& thread : threads) thread.join();
    for (const auto& mine : out) {
        for (int i = 0; i < posts; ++i) ASSERT_EQ(mine[static_cast<std::size_t>(i)], i);
    }
}
