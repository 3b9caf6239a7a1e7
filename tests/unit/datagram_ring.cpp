// SPDX-License-Identifier: MIT
/// DatagramRing: what goes in comes out, in order and whole, wherever in the ring it lies.
#include "net/datagram_ring.hpp"

#include <cstdint>
#include <deque>
#include <random>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes first_of(const DatagramRing& ring) {
    const auto bytes = ring.bytes(0);
    return {bytes.begin(), bytes.end()};
}

TEST(DatagramRings, one_that_does_not_fit_before_the_end_goes_to_the_beginning_if_there_is_room) {
    DatagramRing ring(10, 10);
    ASSERT_TRUE(ring.push(Bytes(4, 1), {}));
    ASSERT_TRUE(ring.push(Bytes(4, 2), {}));
    EXPECT_FALSE(ring.push(Bytes(4, 3), {})) << "two bytes at the end, none at the beginning";
    ring.pop();
    EXPECT_FALSE(ring.push(Bytes(5, 3), {})) << "four bytes at the beginning";
    EXPECT_TRUE(ring.push(Bytes(4, 3), {}));
    EXPECT_FALSE(ring.push({}, {})) << "it is full: the two bytes at the end are in no piece with others";
    EXPECT_EQ(ring.bytes(), 8U);
    EXPECT_EQ(first_of(ring), Bytes(4, 2));
    ring.pop();
    EXPECT_EQ(first_of(ring), Bytes(4, 3));
}

TEST(DatagramRings, what_goes_in_comes_out_in_order_and_whole) {
    DatagramRing ring(64, 9);
    std::deque<Bytes> model;
    std::size_t waiting = 0;
    std::mt19937 engine(1);
    int refused = 0;
    for (int step = 0; step < 100'000; ++step) {
        if (engine() % 2 == 0) {
            Bytes bytes(engine() % 40);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine());
            const auto port = static_cast<std::uint16_t>(step);
            if (ring.push(bytes, SocketAddress::loopback(port))) {
                ASSERT_EQ(ring.address(ring.size() - 1).port(), port);
                waiting += bytes.size();
                model.push_back(std::move(bytes));
            } else {
                ++refused;
                ASSERT_FALSE(model.empty()) << "an empty ring takes whatever is no larger than it";
            }
        } else if (!model.empty()) {
            ASSERT_EQ(first_of(ring), model.front());
            waiting -= model.front().size();
            model.pop_front();
            ring.pop();
        }
        ASSERT_EQ(ring.size(), model.size());
        ASSERT_EQ(ring.bytes(), waiting);
        ASSERT_EQ(ring.empty(), model.empty());
    }
    EXPECT_GT(refused, 1000) << "else it was never full";
}

TEST(DatagramRings, takes_no_more_than_so_many_and_none_that_is_larger_than_it) {
    DatagramRing ring(10, 2);
    EXPECT_FALSE(ring.push(Bytes(11), {}));
    EXPECT_TRUE(ring.push({}, {}));
    EXPECT_TRUE(ring.push({}, {}));
    EXPECT_FALSE(ring.push({}, {}));
}

} // namespace
