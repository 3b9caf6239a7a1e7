// SPDX-License-Identifier: MIT
/// Flow: what the owner of a descriptor counts, and the inspector shows.
#include "support/sim_loop.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <array>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

namespace {

struct Flows : SimLoop {
    std::optional<Flow> seen() const {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        EXPECT_THAT(snapshot.handlers, SizeIs(1));
        return snapshot.handlers.at(0).flow;
    }
    void add(Fd fd) {
        loop.add_handler(
            fd, [](Fd, Events) {}, Events::read, "link");
    }

    SocketPair pair;
    Flow counted;
};

} // namespace

TEST_F(Flows, a_snapshot_tells_what_is_counted_at_that_moment) {
    add(pair.a);
    EXPECT_EQ(seen(), std::nullopt) << "nobody counts";
    EXPECT_TRUE(loop.set_flow(pair.a, &counted));
    EXPECT_EQ(seen(), Flow{});
    counted.bytes_in = 42;
    counted.dropped = 1;
    EXPECT_EQ(seen(), counted);
    EXPECT_TRUE(loop.set_flow(pair.a, nullptr));
    EXPECT_EQ(seen(), std::nullopt);
}

TEST_F(Flows, it_is_forgotten_with_the_handler) {
    auto gone = std::make_unique<Flow>();
    add(pair.a);
    loop.set_flow(pair.a, gone.get());
    loop.remove_handler(pair.a);
    gone.reset();
    add(pair.a);
    EXPECT_EQ(seen(), std::nullopt);
}

TEST_F(Flows, without_a_handler_there_is_nothing_to_tell_of) {
    EXPECT_FALSE(loop.set_flow(pair.a, &counted));
    EXPECT_FALSE(loop.set_flow(invalid_fd, &counted));
    add(pair.a);
    loop.close();
    EXPECT_FALSE(loop.set_flow(pair.a, &counted));
}

TEST_F(Flows, the_text_of_the_loop_has_a_table_of_them_if_anybody_counts) {
    add(pair.a);
    const auto dump = [&] {
        std::ostringstream out;
        dump_text(loop, out);
        return out.str();
    };
    EXPECT_THAT(dump(), Not(HasSubstr("Traffic")));
    counted = {1536, 10, 3, 1, 512, 0, 2};
    loop.set_flow(pair.a, &counted);
    const std::string number = std::to_string(pair.a);
    EXPECT_THAT(dump(), HasSubstr("Traffic\n"));
    EXPECT_THAT(dump(), HasSubstr("  name  received  messages  waiting  sent  messages  queued  dropped\n"));
    EXPECT_THAT(dump(),
                HasSubstr(number + "  link  1.50 KiB         3    512 B  10 B         1     0 B        2\n"));
}

TEST(SocketFlow, a_socket_shows_it_while_it_is_watched_wherever_it_is_moved) {
    IOLoop loop;
    auto pair = Socket::pair();
    Flow counted;
    counted.messages_out = 7;
    pair[0].set_flow(&counted); // no effect yet
    pair[0].watch(
        loop, [](Fd, Events) {}, Events::read);
    const auto seen = [&] {
        Snapshot snapshot;
        loop.snapshot(snapshot);
        EXPECT_THAT(snapshot.handlers, SizeIs(1));
        return snapshot.handlers.at(0).flow;
    };
    EXPECT_EQ(seen(), std::nullopt);
    pair[0].set_flow(&counted);
    const Socket moved = std::move(pair[0]);
    EXPECT_EQ(seen(), counted);
}
