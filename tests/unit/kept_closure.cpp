// SPDX-License-Identifier: MIT
#include "kept_closure.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

using ioloop::ClosureBlocks;
using ioloop::Function;
using ioloop::KeptClosure;

namespace {

/// Counts what it grants, and may refuse.
class Memory : public std::pmr::memory_resource {
public:
    int granted = 0;
    int held = 0;
    bool refuses = false;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (refuses) throw std::bad_alloc();
        ++granted;
        ++held;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        --held;
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

/// A closure of so many bytes that adds its last one to a sum.
template <std::size_t bytes> Function<void()> closure(int& sum, unsigned char last) {
    std::array<unsigned char, bytes - sizeof(int*)> content{};
    content.back() = last;
    return [&sum, content] { sum += content.back(); };
}

} // namespace

TEST(KeptClosure, calls_what_it_was_given_of_any_size) {
    ClosureBlocks blocks(std::pmr::get_default_resource());
    int sum = 0;
    const auto call = [&](Function<void()>&& function) {
        if (!KeptClosure::fits(function)) blocks.reserve();
        KeptClosure kept(std::move(function), blocks);
        EXPECT_FALSE(function);
        kept();
        kept();
    };
    call([&sum] { ++sum; });
    EXPECT_EQ(sum, 2);
    call(closure<16>(sum, 10));
    EXPECT_EQ(sum, 22);
    call(closure<24>(sum, 100));
    EXPECT_EQ(sum, 222);
    call(closure<48>(sum, 200));
    EXPECT_EQ(sum, 622);
    call(closure<200>(sum, 1)); // on the heap, as in a Function
    EXPECT_EQ(sum, 624);
}

TEST(KeptClosure, two_pointers_fit) {
    int sum = 0;
    EXPECT_TRUE(KeptClosure::fits(closure<16>(sum, 1)));
    EXPECT_FALSE(KeptClosure::fits(closure<24>(sum, 1)));
    EXPECT_TRUE(KeptClosure::fits(closure<200>(sum, 1))) << "its address does";
}

TEST(KeptClosure, moves_and_destroys_what_owns_something) {
    ClosureBlocks blocks(std::pmr::get_default_resource());
    const auto owned = std::make_shared<int>(0);
    struct Large {
        std::shared_ptr<int> owned;
        std::array<std::shared_ptr<int>, 2> more;
    };
    {
        blocks.reserve();
        KeptClosure small([owned] { ++*owned; }, blocks);
        KeptClosure large([l = Large{owned, {owned, owned}}] { ++*l.owned; }, blocks);
        EXPECT_EQ(owned.use_count(), 5);
        small();
        large();
    }
    EXPECT_EQ(*owned, 2);
    EXPECT_EQ(owned.use_count(), 1);
}

TEST(KeptClosure, tells_its_owner_wherever_it_lies) {
    struct Owned {
        void operator()() const {}
        std::uint64_t owner() const noexcept { return id; }
        std::uint64_t id;
    };
    struct Large : Owned {
        std::array<std::uint64_t, 4> more{};
    };
    ClosureBlocks blocks(std::pmr::get_default_resource());
    blocks.reserve();
    EXPECT_EQ(KeptClosure(Owned{7}, blocks).owner(), 7U);
    EXPECT_EQ(KeptClosure(Large{{8}}, blocks).owner(), 8U);
    EXPECT_EQ(KeptClosure([] {}, blocks).owner(), 0U);
}

TEST(KeptClosure, blocks_are_used_again) {
    Memory memory;
    int sum = 0;
    {
        ClosureBlocks blocks(&memory);
        std::vector<std::optional<KeptClosure>> kept(1000);
        const auto fill = [&] {
            for (auto& one : kept) {
                blocks.reserve();
                one.emplace(closure<48>(sum, 1), blocks);
            }
            for (auto& one : kept) (*one)();
        };
        fill();
        const int granted = memory.granted;
        EXPECT_LE(granted, 16);
        for (int round = 0; round < 10; ++round) {
            for (auto& one : kept) one.reset();
            fill();
        }
        EXPECT_EQ(memory.granted, granted);
        EXPECT_EQ(sum, 11'000);
    }
    EXPECT_EQ(memory.held, 0);
}

TEST(KeptClosure, without_memory_nothing_changes) {
    Memory memory;
    ClosureBlocks blocks(&memory);
    memory.refuses = true;
    EXPECT_THROW(blocks.reserve(), std::bad_alloc);
    memory.refuses = false;
    blocks.reserve();
    memory.refuses = true;
    blocks.reserve(); // there is room already
    int sum = 0;
    KeptClosure kept(closure<48>(sum, 3), blocks);
    kept();
    EXPECT_EQ(sum, 3);
}
