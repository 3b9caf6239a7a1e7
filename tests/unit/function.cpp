// SPDX-License-Identifier: MIT
#include <ioloop/function.hpp>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <type_traits>

#include <gtest/gtest.h>

using ioloop::Function;

namespace {

/// Counts its living copies.
struct Counted {
    explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
    Counted(Counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
    Counted(const Counted&) = delete;
    Counted& operator=(Counted&&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*alive_; }
    int* alive_;
};

int twice(int x) { return 2 * x; }

} // namespace

TEST(Function, is_empty_by_default_from_nullptr_from_a_null_pointer_and_from_an_empty_std_function) {
    int (*null)(int) = nullptr;
    EXPECT_FALSE(Function<int(int)>());
    EXPECT_FALSE(Function<int(int)>(nullptr));
    EXPECT_FALSE(Function<int(int)>(null));
    EXPECT_FALSE((Function<int(int)>(std::function<int(int)>())));
    EXPECT_TRUE(Function<int(int)>() == nullptr);
}

TEST(Function, calls_functions_lambdas_and_members) {
    struct Point {
        int x;
        int get() const { return x; }
    };
    EXPECT_EQ(Function<int(int)>(twice)(4), 8);
    EXPECT_EQ(Function<int(int)>(&twice)(4), 8);
    Function<int(int)> lambda = [n = 3](int x) { return n + x; };
    EXPECT_EQ(lambda(4), 7);
    const Point point{5};
    Function<int(const Point&)> member = &Point::get;
    EXPECT_EQ(member(point), 5);
}

TEST(Function, drops_the_result_where_none_is_asked_for) {
    int calls = 0;
    Function<void()> f = [&calls] { return ++calls; };
    f();
    EXPECT_EQ(calls, 1);
}

TEST(Function, takes_closures_that_cannot_be_copied) {
    Function<int()> f = [owned = std::make_unique<int>(7)] { return *owned; };
    Function<int()> g = std::move(f);
    EXPECT_FALSE(f); // NOLINT(bugprone-use-after-move): being empty is the promise
    EXPECT_EQ(g(), 7);
    static_assert(!std::is_copy_constructible_v<Function<int()>>);
}

TEST(Function, keeps_state_between_calls) {
    Function<int()> f = [n = 0]() mutable { return ++n; };
    f();
    Function<int()> g = std::move(f);
    EXPECT_EQ(g(), 2);
}

TEST(Function, destroys_its_closure_exactly_once_inside_and_outside) {
    int alive = 0;
    {
        Function<void()> inside = [c = Counted(alive)] {};
        Function<void()> outside = [c = Counted(alive), big = std::array<char, 200>()] { (void)big; };
        EXPECT_EQ(alive, 2);
        Function<void()> moved = std::move(inside);
        outside = std::move(moved);
        EXPECT_EQ(alive, 1);
        outside = nullptr;
        EXPECT_EQ(alive, 0);
    }
    EXPECT_EQ(alive, 0);
}

TEST(Function, is_empty_already_when_its_closure_is_destroyed) {
    struct Looks {
        Function<void()>* self;
        bool* was_empty;
        Looks(Function<void()>* s, bool* w) : self(s), was_empty(w) {}
        Looks(Looks&& o) noexcept : self(std::exchange(o.self, nullptr)), was_empty(o.was_empty) {}
        Looks& operator=(Looks&&) = delete;
        ~Looks() {
            if (self != nullptr) *was_empty = !*self;
        }
        void operator()() const {}
    };
    bool was_empty = false;
    Function<void()> f;
    f = Looks(&f, &was_empty);
    f = nullptr;
    EXPECT_TRUE(was_empty);
}

TEST(Function, destroys_also_what_its_closure_assigned_to_it_as_it_went) {
    struct Assigns {
        Function<void()>* self;
        int* alive;
        Assigns(Function<void()>* s, int* a) : self(s), alive(a) {}
        Assigns(Assigns&& o) noexcept : self(std::exchange(o.self, nullptr)), alive(o.alive) {}
        Assigns& operator=(Assigns&&) = delete;
        ~Assigns() {
            if (self != nullptr) *self = [c = Counted(*alive)] {};
        }
        void operator()() const {}
    };
    int alive = 0;
    {
        Function<void()> f;
        f = Assigns(&f, &alive);
        f = [] {};
    }
    EXPECT_EQ(alive, 0) << "it was lost";
}

TEST(Function, lets_exceptions_through) {
    Function<void()> f = [] { throw std::runtime_error("boom"); };
    EXPECT_THROW(f(), std::runtime_error);
}

TEST(Function, has_room_for_48_bytes) {
    static_assert(Function<void()>::inline_size >= 48);
    static_assert(sizeof(Function<void()>) <= 56);
}
