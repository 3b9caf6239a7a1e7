// SPDX-License-Identifier: MIT
#include "callback_arena.hpp"

#include "support/counting_new.hpp"

#include <array>
#include <memory>
#include <memory_resource>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using Taken = CallbackArena::Taken;
using Taker = CallbackArena::Taker;

/// Counts the bytes that are out.
class CountingMemory final : public std::pmr::memory_resource {
public:
    std::size_t out = 0;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        out += bytes;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* at, std::size_t bytes, std::size_t alignment) override {
        out -= bytes;
        std::pmr::new_delete_resource()->deallocate(at, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

struct CallbackArenas : testing::Test {
    CountingMemory memory;
    std::vector<int> out;

    Function<void()> note(int value) {
        return [this, value] { out.push_back(value); };
    }
    void run(CallbackArena& arena, std::size_t count) {
        Taker taker(arena);
        for (; count > 0; --count) (*Taken(taker))();
    }
};

CallbackLabel full_label() {
    return {Chain{{SiteId{1}, SiteId{2}, SiteId{3}, SiteId{4}}}, {}, TimePoint(5s), true};
}

CallbackLabel stampable() {
    CallbackLabel label;
    label.stampable = true;
    return label;
}

} // namespace

TEST_F(CallbackArenas, closures_of_every_size_come_out_in_order_and_whole) {
    CallbackArena arena(&memory);
    const auto pushed = [&]<std::size_t size>(std::integral_constant<std::size_t, size>) {
        std::array<unsigned char, size> bytes;
        for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i + size);
        arena.push(
            [this, bytes] {
                bool whole = true;
                for (std::size_t i = 0; i < size; ++i)
                    whole = whole && bytes[i] == static_cast<unsigned char>(i + size);
                out.push_back(whole ? static_cast<int>(size) : -1);
            },
            {});
    };
    const auto all = [&]<std::size_t... n>(std::index_sequence<n...>) {
        (pushed(std::integral_constant<std::size_t, n + 1>()), ...); // beyond 40 they are on the heap
    };
    all(std::make_index_sequence<64>());
    run(arena, arena.size());
    ASSERT_EQ(out.size(), 64U);
    for (int i = 0; i < 64; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i + 1);
}

TEST_F(CallbackArenas, what_a_callback_comes_with_is_kept_and_what_it_does_not_come_with_takes_no_room) {
    CallbackArena arena(&memory);
    arena.push(note(1), full_label());
    arena.push(note(2), {Chain{{SiteId{9}}}, {}, {}});
    Taker taker(arena);
    {
        const Taken full(taker);
        EXPECT_EQ(full->chain().sites, full_label().chain.sites);
        EXPECT_EQ(full->posted_at(), TimePoint(5s));
        EXPECT_TRUE(full->from_outside());
    }
    const Taken plain(taker);
    EXPECT_EQ(plain->chain().sites, Chain{{SiteId{9}}}.sites);
    EXPECT_EQ(plain->posted_at(), TimePoint{});
    EXPECT_FALSE(plain->from_outside());
}

TEST_F(CallbackArenas, a_callback_that_runs_stays_where_it_is_whatever_is_pushed) {
    CallbackArena arena(&memory);
    for (int i = 0; i < 3; ++i) arena.push(note(i), {});
    {
        Taker taker(arena);
        const Taken first(taker);
        for (int i = 3; i < 1000; ++i) arena.push(note(i), full_label());
        run(arena, 998); // nested turns, say; chunks are used again
        for (int i = 1000; i < 2000; ++i) arena.push(note(i), {});
        (*first)();
    }
    run(arena, arena.size());
    std::vector<int> expected;
    for (int i = 1; i < 999; ++i) expected.push_back(i);
    expected.push_back(0);
    for (int i = 999; i < 2000; ++i) expected.push_back(i);
    EXPECT_EQ(out, expected);
}

TEST_F(CallbackArenas, each_callable_is_destroyed_once) {
    const auto counted = std::make_shared<int>();
    {
        CallbackArena arena(&memory);
        for (int i = 0; i < 500; ++i) arena.push([counted] {}, {});
        EXPECT_EQ(counted.use_count(), 501);
        Taker taker(arena);
        { const Taken taken(taker); }
        EXPECT_EQ(counted.use_count(), 500);
    }
    EXPECT_EQ(counted.use_count(), 1);
    EXPECT_EQ(memory.out, 0U);
}

TEST_F(CallbackArenas, what_is_pushed_and_taken_over_and_over_takes_no_more_memory) {
    CallbackArena arena(&memory);
    const auto round = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) arena.push([] {}, full_label());
        run(arena, count);
    };
    for (std::size_t count : {1U, 64U, 1000U}) {
        for (int i = 0; i < 3; ++i) round(count);
        const std::size_t before = memory.out;
        for (int i = 0; i < 50; ++i) round(count);
        EXPECT_EQ(memory.out, before) << count;
    }
}

TEST_F(CallbackArenas, a_queue_that_is_never_empty_takes_no_more_memory_either) {
    CallbackArena arena(&memory);
    for (int i = 0; i < 10; ++i) arena.push([] {}, {});
    for (int i = 0; i < 1000; ++i) {
        arena.push([] {}, {});
        run(arena, 1);
    }
    const std::size_t before = memory.out;
    for (int i = 0; i < 100'000; ++i) {
        arena.push([] {}, {});
        run(arena, 1);
    }
    EXPECT_EQ(memory.out, before);
}

TEST_F(CallbackArenas, what_is_taken_over_from_another_comes_behind_and_chunks_go_back_in_exchange) {
    CallbackArena arena(&memory);
    CallbackArena inbox(&memory);
    std::size_t before = 0;
    for (int round = 0; round < 20; ++round) {
        if (round == 3) before = memory.out;
        out.clear();
        arena.push(note(1), {});
        for (int i = 2; i < 500; ++i) inbox.push(note(i), {});
        arena.take_over(inbox);
        EXPECT_TRUE(inbox.empty());
        arena.push(note(500), {});
        EXPECT_EQ(arena.size(), 500U);
        run(arena, 500);
        for (int i = 0; i < 500; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i + 1);
    }
    EXPECT_EQ(memory.out, before);
}

TEST_F(CallbackArenas, ids_count_what_was_ever_pushed) {
    CallbackArena arena(&memory);
    CallbackArena inbox(&memory);
    for (int i = 0; i < 3; ++i) arena.push(note(i), {});
    inbox.push(note(3), {});
    run(arena, 1);
    arena.take_over(inbox);
    std::vector<std::uint64_t> ids;
    arena.for_each([&](std::uint64_t id, const CallbackRecord&) { ids.push_back(id); });
    EXPECT_EQ(ids, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(arena.front_id(), 1U);
    EXPECT_EQ(arena.end_id(), 4U);
}

TEST_F(CallbackArenas, a_stamp_is_for_what_came_since_a_mark_and_has_none_yet) {
    // Marks at every place of the first chunks, with everything, something or nothing taken out in between.
    for (int before = 0; before < 300; before += 7) {
        for (const int taken : {0, 1, before / 2, before, before + 1}) {
            CallbackArena arena(&memory);
            for (int i = 0; i < before; ++i) arena.push([] {}, stampable());
            const CallbackArena::Mark mark = arena.mark();
            for (int i = 0; i < 3; ++i) arena.push([] {}, stampable());
            arena.push([] {}, full_label());
            run(arena, static_cast<std::size_t>(taken));
            arena.for_each_since(mark, [](CallbackRecord& record) { record.stamp(TimePoint(7s)); });
            arena.for_each([&](std::uint64_t id, const CallbackRecord& record) {
                const auto number = static_cast<int>(id);
                EXPECT_EQ(record.posted_at(), number < before       ? TimePoint{}
                                              : number < before + 3 ? TimePoint(7s)
                                                                    : TimePoint(5s));
            });
        }
    }
}
