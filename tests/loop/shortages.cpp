// SPDX-License-Identifier: MIT
// A descriptor that the loop has to add to its poller once more, and the system lacks what that takes: its handler is kept, and that
// is tried until it works.
#include "support/forwarding_poller.hpp"
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// What the system lacks, and what the poller was asked for.
struct Shortage {
    std::optional<std::errc> of_adding;    ///< no descriptor can be added; no value: they can
    Fd spared = invalid_fd;                ///< but this one
    std::optional<std::errc> of_modifying; ///< none can be modified
    bool throws = false;                   ///< it is the poller's own memory
    Duration adding_takes{};
    int adds = 0;
    Poller::Key last_added = 0;
    std::optional<Poller::Key> ghost; ///< the next wait reports it
    bool hides_handle = false;
};

class ShortPoller final : public ForwardingPoller {
public:
    ShortPoller(Shortage& shortage, SimWorld& world) : shortage_(shortage), world_(world) {}
    std::error_code add(Fd fd, Events events, Key key) override {
        ++shortage_.adds;
        world_.advance(shortage_.adding_takes);
        if (shortage_.throws) throw std::bad_alloc();
        if (shortage_.of_adding && fd != shortage_.spared) return make_error_code(*shortage_.of_adding);
        shortage_.last_added = key;
        return ForwardingPoller::add(fd, events, key);
    }
    std::error_code modify(Fd fd, Events events, Key key) override {
        if (shortage_.of_modifying) return make_error_code(*shortage_.of_modifying);
        return ForwardingPoller::modify(fd, events, key);
    }
    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        if (const auto error = ForwardingPoller::wait(ready, timeout, count)) return error;
        if (shortage_.ghost) ready[count++] = {*std::exchange(shortage_.ghost, {}), Events::read, false};
        return {};
    }

    Fd native_handle() const noexcept override {
        return shortage_.hides_handle ? invalid_fd : ForwardingPoller::native_handle();
    }

private:
    Shortage& shortage_;
    SimWorld& world_;
};

class Shortages : public testing::Test {
protected:
    SimWorld world;
    SocketPair pair;
    Shortage shortage;
    std::vector<std::string> errors;
    std::function<void()> on_error;
    IOLoop loop{options()};
    int calls = 0;

    /// Its handler reads, and counts.
    void add(const SocketPair& peer, Events events = Events::read) {
        loop.add_handler(
            peer.a,
            [this, &peer](Fd, Events) {
                peer.read_a();
                ++calls;
            },
            events, "peer");
    }
    /// The handler of `pair` waits, once, in a nested turn, in which it is not watched; then something is lacking.
    void add_that_nests(bool throwing = false) {
        loop.add_handler(
            pair.a,
            [this, throwing, nested = false](Fd, Events) mutable {
                pair.read_a();
                ++calls;
                if (std::exchange(nested, true)) return;
                loop.run_once();
                shortage.throws = throwing;
                if (!throwing) shortage.of_adding = std::errc::not_enough_memory;
            },
            Events::read, "nester");
        pair.send_to_a();
    }
    int run(Duration timeout = no_wait) {
        calls = 0;
        loop.run_once(timeout);
        return calls;
    }
    /// The poller goes on about a descriptor that has gone: the loop has it forget all, and adds them again.
    void haunt() {
        SocketPair gone;
        loop.add_handler(
            gone.a, [](Fd, Events) {}, Events::read);
        const Poller::Key key = shortage.last_added;
        loop.remove_handler(gone.a);
        run();
        shortage.ghost = key;
    }

    IOLoop::Options options() {
        IOLoop::Options options = world.options(std::make_unique<ShortPoller>(shortage, world));
        options.on_error = [this](const std::exception_ptr& error, const Origin& origin, CallKind) {
            try {
                std::rethrow_exception(error);
            } catch (const std::exception& e) {
                errors.push_back(std::string(origin.name != nullptr ? origin.name : "") + ": " + e.what());
            }
            if (on_error) on_error();
        };
        return options;
    }
};

TEST_F(Shortages, after_a_nested_turn_are_reported_and_the_handler_is_called_again_when_they_have_passed) {
    add_that_nests();
    run();
    EXPECT_THAT(errors, IsEmpty()) << "it may have passed before the next wait";
    run();
    const std::string lack = make_error_code(std::errc::not_enough_memory).message();
    EXPECT_THAT(errors, ElementsAre(AllOf(HasSubstr("nester: "), HasSubstr(std::to_string(pair.a)),
                                          HasSubstr("its handler is kept"), HasSubstr(lack))));
    EXPECT_EQ(loop.statistics().handlers, 1U);
    EXPECT_EQ(loop.statistics().dead_handlers, 0U);

    shortage.of_adding.reset();
    world.advance(10ms);
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, that_have_passed_before_the_next_wait_are_no_news) {
    add_that_nests();
    run();
    shortage.of_adding.reset();
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(errors, IsEmpty());
}

TEST_F(Shortages, are_told_from_what_says_that_a_descriptor_was_closed) {
    using enum std::errc;
    for (const std::errc lack :
         {not_enough_memory, no_space_on_device, no_buffer_space, too_many_files_open,
          too_many_files_open_in_system, resource_unavailable_try_again, interrupted}) {
        shortage.of_adding.reset();
        add(pair);
        haunt();
        shortage.of_adding = lack;
        run();
        EXPECT_TRUE(loop.remove_handler(pair.a)) << make_error_code(lack).message();
        EXPECT_THAT(std::exchange(errors, {}), ElementsAre(HasSubstr("its handler is kept")));
    }
    for (const std::errc gone : {bad_file_descriptor, operation_not_permitted, invalid_argument}) {
        shortage.of_adding.reset();
        add(pair);
        haunt();
        shortage.of_adding = gone;
        run();
        EXPECT_FALSE(loop.remove_handler(pair.a)) << make_error_code(gone).message();
        EXPECT_THAT(std::exchange(errors, {}), ElementsAre(HasSubstr("its handler is dropped")));
    }
}

TEST_F(Shortages, that_last_are_met_again_every_ten_milliseconds_and_told_once) {
    add_that_nests();
    run();
    pair.send_to_a();
    const TimePoint begin = world.now();
    shortage.adds = 0;
    world.on_wait = [&] {
        if (world.now() - begin == 990ms) shortage.of_adding.reset();
    };
    calls = 0;
    while (calls == 0 && world.now() - begin < 1h) loop.run_once(forever);
    EXPECT_EQ(world.now() - begin, 1s);
    EXPECT_EQ(shortage.adds, 101);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, are_tried_less_often_where_that_takes_long) {
    add_that_nests();
    run();
    shortage.adding_takes = 100ms;
    run();
    EXPECT_EQ(loop.next_deadline(), world.now() + 1s) << "no more than a tenth of the time";
}

TEST_F(Shortages, are_met_again_while_the_time_of_the_loop_stands_still) {
    add_that_nests();
    run();
    loop.suspend();
    run();
    EXPECT_EQ(loop.time_to_deadline(), 10ms);
    shortage.of_adding.reset();
    pair.send_to_a();
    calls = 0;
    loop.run_once(1h); // until it is tried
    loop.run_once();
    EXPECT_EQ(calls, 1);
    loop.resume();
}

TEST_F(Shortages, do_not_make_a_busy_loop_try_in_every_turn) {
    add_that_nests();
    run();
    shortage.adds = 0;
    for (int turn = 0; turn < 1000; ++turn) run();
    EXPECT_EQ(shortage.adds, 1);
}

TEST_F(Shortages, that_come_a_second_time_are_told_a_second_time) {
    add(pair);
    for (std::size_t times : {1U, 2U}) {
        haunt();
        shortage.of_adding = std::errc::not_enough_memory;
        run();
        EXPECT_THAT(errors, SizeIs(times));
        shortage.of_adding.reset();
        world.advance(10ms);
        run();
    }
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, of_the_pollers_own_memory_are_no_different) {
    add_that_nests(true);
    EXPECT_EQ(run(), 1);
    run();
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept")));
    shortage.throws = false;
    world.advance(10ms);
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, while_the_poller_is_told_anew_of_all_lose_none_of_them) {
    os::allow_many_descriptors();
    std::vector<SocketPair> peers(200); // more than are told of at a time
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    shortage.of_adding = std::errc::no_space_on_device;
    run();
    EXPECT_THAT(errors, SizeIs(200));
    EXPECT_EQ(loop.statistics().handlers, 200U);

    shortage.of_adding.reset();
    for (const SocketPair& peer : peers) peer.send_to_a();
    world.advance(10ms);
    EXPECT_EQ(run(), 200);
    EXPECT_THAT(errors, SizeIs(200));
}

TEST_F(Shortages, do_not_hide_that_a_descriptor_was_closed) {
    os::allow_many_descriptors();
    std::vector<SocketPair> peers(150);
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    for (SocketPair& peer : peers) {
        if (&peer != &peers[75]) peer.close_a();
    }
    run();
    EXPECT_EQ(loop.statistics().dead_handlers, 149U);
    EXPECT_THAT(errors, SizeIs(149));
    EXPECT_THAT(errors, testing::Each(HasSubstr("was closed without remove_handler()")));
    EXPECT_EQ(loop.next_deadline(), never);
    peers[75].send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, of_a_descriptor_that_is_closed_meanwhile_end_with_its_handler) {
    add_that_nests();
    run();
    run();
    pair.close_a();
    shortage.of_adding.reset();
    world.advance(10ms);
    run();
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept"), HasSubstr("its handler is dropped")));
    EXPECT_EQ(loop.statistics().handlers, 0U);
    EXPECT_EQ(loop.next_deadline(), never);
}

TEST_F(Shortages, of_a_descriptor_that_is_removed_meanwhile_are_over) {
    add_that_nests();
    run();
    run();
    EXPECT_TRUE(loop.remove_handler(pair.a));
    world.advance(10ms);
    run();
    EXPECT_EQ(loop.next_deadline(), never);
    shortage.of_adding.reset();
    add(pair);
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, leave_a_handler_that_is_a_duplicate_to_be_refused_and_one_that_is_updated_updated) {
    add_that_nests();
    run();
    std::error_code error;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, error);
    EXPECT_EQ(error, std::errc::file_exists);
    loop.update_handler(pair.a, Events::write);
    shortage.of_adding.reset();
    EXPECT_EQ(run(), 1) << "it is writable";
}

TEST_F(Shortages, are_shown) {
    add_that_nests();
    run();
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_TRUE(snapshot.handlers.at(0).adrift);
    std::ostringstream text;
    dump_text(loop, text);
    EXPECT_THAT(text.str(), HasSubstr("not watched"));
    shortage.of_adding.reset();
    run();
    loop.snapshot(snapshot);
    EXPECT_FALSE(snapshot.handlers.at(0).adrift);
}

TEST_F(Shortages, do_not_make_the_handler_suspect_if_readiness_is_injected) {
    add_that_nests();
    run();
    int all = 0;
    for (int turn = 0; turn < 200; ++turn) {
        loop.inject_readiness(pair.a, Events::read);
        all += run();
    }
    EXPECT_EQ(all, 200);
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept")));
}

TEST_F(Shortages, of_an_interest_that_has_become_smaller_leave_nothing_to_spin_on) {
    add(pair, Events::read | Events::write);
    loop.update_handler(pair.a, Events::read);
    shortage.of_modifying = shortage.of_adding = std::errc::not_enough_memory;
    const TimePoint begin = world.now();
    EXPECT_EQ(run(1s), 0);
    EXPECT_EQ(world.now() - begin, 10ms) << "it is writable, and nobody wants to know";
    EXPECT_THAT(errors, ElementsAre(HasSubstr("its handler is kept")));
    shortage.of_adding.reset();
    pair.send_to_a();
    EXPECT_EQ(run(), 1);
}

TEST_F(Shortages, are_no_reason_to_drop_a_handler_that_is_ready_all_the_time) {
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read);
    pair.send_to_a();
    shortage.of_modifying = std::errc::not_enough_memory;
    int all = 0;
    for (int turn = 0; turn < 200; ++turn) all += run();
    EXPECT_EQ(all, 200);
    EXPECT_THAT(errors, IsEmpty());
}

TEST_F(Shortages, make_the_host_come_again_in_time) {
    const Fd handle = loop.native_handle(Deadlines::included);
    add_that_nests();
    run();
    EXPECT_LE(loop.next_deadline(), world.now()); // at once: the first attempt may do
    run();
    EXPECT_EQ(loop.next_deadline(), world.now() + 10ms);
    if (handle != invalid_fd) {
        EXPECT_EQ(world.alarm, 10ms);
    }
    shortage.of_adding.reset();
    world.advance(10ms);
    run();
    EXPECT_EQ(loop.next_deadline(), never);
    if (handle != invalid_fd) {
        EXPECT_EQ(world.alarm, forever);
    }
}

TEST_F(Shortages, do_not_change_the_deadline_as_time_goes_by) {
    int rings = 0;
    loop.set_host_waker([&] { ++rings; }, RingFor::changes);
    add_that_nests();
    run();
    run();
    const TimePoint next = loop.next_deadline();
    rings = 0;
    for (int i = 0; i < 9; ++i) {
        world.advance(1ms);
        EXPECT_EQ(loop.next_deadline(), next);
        EXPECT_EQ(loop.time_to_deadline(), 9ms - i * 1ms);
        run();
    }
    EXPECT_EQ(rings, 0);
}

TEST_F(Shortages, come_and_go_with_a_ring_for_a_host_that_has_no_handle) {
    shortage.hides_handle = true;
    int rings = 0;
    loop.set_host_waker([&] { ++rings; }, RingFor::changes);
    add_that_nests();
    rings = 0;
    run();
    EXPECT_EQ(rings, 1) << "it is not to be watched";
    run();
    shortage.of_adding.reset();
    world.advance(10ms);
    rings = 0;
    run();
    EXPECT_EQ(rings, 1) << "it is, again";
}

TEST_F(Shortages, whose_report_throws_or_waits_in_a_nested_turn_lose_nothing_either) {
    std::vector<SocketPair> peers(3);
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    shortage.of_adding = std::errc::not_enough_memory;
    on_error = [&] { throw std::runtime_error("the hook has had enough"); };
    EXPECT_THROW(run(), std::runtime_error);
    EXPECT_THAT(errors, SizeIs(1));
    on_error = [&] {
        loop.run_once(20ms);
        loop.run_once(); // this one tells of others that the turn around it was about to tell of
    };
    world.advance(10ms);
    run();
    EXPECT_THAT(errors, SizeIs(3)) << "each once";

    on_error = nullptr;
    shortage.of_adding.reset();
    world.advance(10ms);
    for (const SocketPair& peer : peers) peer.send_to_a();
    EXPECT_EQ(run(), 3);
    EXPECT_THAT(errors, SizeIs(3));
}

TEST_F(Shortages, are_nothing_to_a_loop_that_is_closed) {
    add_that_nests();
    run();
    run();
    loop.close();
    EXPECT_EQ(loop.next_deadline(), never);
    EXPECT_THAT(errors, SizeIs(1));
}

TEST_F(Shortages, whose_report_runs_a_turn_leave_all_that_is_ready_to_the_turn_after_it) {
    std::vector<SocketPair> peers(3);
    for (const SocketPair& peer : peers) add(peer);
    add_that_nests();
    run();
    on_error = [&] {
        for (const SocketPair& peer : peers) peer.send_to_a();
        loop.run_once();
        for (const SocketPair& peer : peers) peer.send_to_a();
    };
    EXPECT_EQ(run(), 6);
}

TEST_F(Shortages, that_are_many_do_not_keep_the_others_waiting) {
    os::allow_many_descriptors();
    std::vector<SocketPair> peers(200);
    for (const SocketPair& peer : peers) add(peer);
    haunt();
    shortage.of_adding = std::errc::bad_file_descriptor;
    shortage.spared = peers.back().a;
    on_error = [] { throw std::runtime_error("the hook has had enough"); };
    EXPECT_THROW(run(), std::runtime_error);
    Snapshot snapshot;
    loop.snapshot(snapshot);
    EXPECT_EQ(snapshot.handlers.size(), 199U);
    EXPECT_EQ(std::count_if(snapshot.handlers.begin(), snapshot.handlers.end(),
                            [](const HandlerInfo& info) { return info.adrift; }),
              198);
}

TEST_F(Shortages, whose_report_ends_the_loop_end_with_it) {
    auto* const doomed = new IOLoop(options());
    std::vector<SocketPair> peers(3);
    for (const SocketPair& peer : peers) {
        doomed->add_handler(
            peer.a, [&](Fd, Events) { doomed->run_once(); }, Events::read);
        peer.send_to_a();
    }
    on_error = [&] { delete doomed; };
    world.on_wait = [&] { shortage.of_adding = std::errc::not_enough_memory; }; // all are taken out by then
    doomed->run_once();
    doomed->run_once();
    EXPECT_THAT(errors, SizeIs(1));
}

} // namespace
