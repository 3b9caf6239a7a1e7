// SPDX-License-Identifier: MIT
#include "net/write_queue.hpp"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

/// Writes a byte.
Future<void> write(WriteQueue& queue) {
    Promise<void> promise;
    Future<void> future = promise.future();
    queue.push("x", std::move(promise));
    return future;
}

TEST(WriteQueue, tells_each_write_when_it_is_sent) {
    WriteQueue queue;
    const std::vector<Future<void>> writes{write(queue), write(queue), write(queue)};
    queue.sent(2);
    EXPECT_TRUE(writes[1].done());
    EXPECT_FALSE(writes[2].done());
    queue.sent(1);
    EXPECT_TRUE(writes[2].done());
    EXPECT_EQ(queue.waiting(), 0U);
}

TEST(WriteQueue, remembers_no_writes_for_whose_end_nobody_waits) {
    WriteQueue queue;
    std::vector<Future<void>> wanted;
    for (int i = 0; i < 10'000; ++i) {
        const Future<void> unwanted = write(queue);
        if (i % 1'000 == 0) wanted.push_back(write(queue));
        EXPECT_LE(queue.waiting(), 64U);
    }
    Future<void> late = write(queue);
    queue.sent(10'010);
    for (const Future<void>& future : wanted) EXPECT_TRUE(future.done() && future.exception() == nullptr);
    EXPECT_FALSE(late.done());
    queue.sent(1);
    EXPECT_TRUE(late.done());
    EXPECT_EQ(queue.waiting(), 0U);
}

TEST(WriteQueue, remembers_those_that_are_waited_for_at_first_no_longer_than_that) {
    WriteQueue queue;
    Future<void> last;
    for (int i = 0; i < 10'000; ++i) {
        last = write(queue); // the one before goes now
        EXPECT_LE(queue.waiting(), 64U);
    }
}

TEST(WriteQueue, fails_those_that_are_waited_for) {
    WriteQueue queue;
    const Future<void> one = write(queue);
    static_cast<void>(write(queue));
    queue.fail(std::make_exception_ptr(1));
    EXPECT_TRUE(one.done() && one.exception() != nullptr);
    EXPECT_TRUE(queue.empty());
}

} // namespace
