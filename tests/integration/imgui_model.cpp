// SPDX-License-Identifier: MIT
/// What the inspector shows, without the showing: filter, rates, rows, history.
#include "../../integration/imgui/model/filter.hpp"
#include "../../integration/imgui/model/history.hpp"
#include "../../integration/imgui/model/id_map.hpp"
#include "../../integration/imgui/model/rate.hpp"
#include "../../integration/imgui/model/row_set.hpp"
#include "../../integration/imgui/model/verdict.hpp"
#include "../../integration/imgui/model/view.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <compare>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace ioloop::imgui;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

bool passes(const char* words, std::vector<std::string_view> fields) {
    Filter filter;
    std::string_view(words).copy(filter.buffer().data(), filter.buffer().size() - 1);
    return filter.passes(fields);
}

TEST(ImguiFilter, IsDearImGuis) {
    EXPECT_TRUE(passes("", {"anything"}));
    EXPECT_TRUE(passes("THING", {"anything"}));
    EXPECT_FALSE(passes("nothing", {"anything"}));
    EXPECT_TRUE(passes("udp, tcp", {"a", "tcp listener"}));
    EXPECT_FALSE(passes("tcp,-listener", {"a", "tcp listener"}));
    EXPECT_TRUE(passes("-udp", {"tcp"}));
    EXPECT_FALSE(passes("-udp", {"tcp", "udp"}));
    EXPECT_TRUE(passes(",,-", {"tcp"}));
}

TEST(ImguiRate, IsSmoothedAndSurvivesAReset) {
    Rate r;
    TimePoint now(1000s);
    for (std::uint64_t counter = 0; counter <= 6000; counter += 10, now += 100ms) r.sample(counter, now);
    EXPECT_NEAR(r.per_second(), 100, 1);
    r.sample(0, now += 1s);
    EXPECT_NEAR(r.per_second(), 100, 1);
    for (int i = 0; i < 100; ++i) r.sample(0, now += 1s);
    EXPECT_NEAR(r.per_second(), 0, 0.1);
}

TEST(ImguiIdMap, FindsWhatIsThereAndOnlyThat) {
    IdMap map;
    EXPECT_EQ(map.find(1), IdMap::none);
    for (std::uint32_t round = 1; round < 50; ++round) {
        map.reset(round);
        for (std::uint32_t i = 0; i < round; ++i) map.insert((std::uint64_t{round} << 32U) | i, i);
        for (std::uint32_t i = 0; i < round; ++i) EXPECT_EQ(map.find((std::uint64_t{round} << 32U) | i), i);
        EXPECT_EQ(map.find((std::uint64_t{round - 1} << 32U) | 0), IdMap::none);
        EXPECT_EQ(map.find((std::uint64_t{round} << 32U) | round), IdMap::none);
    }
}

class ImguiRows : public testing::Test {
protected:
    void update(std::vector<CallbackInfo> infos) {
        rows.update(
            std::span<const CallbackInfo>(infos), [](auto&) {}, [](auto&) {});
    }
    void arrange(bool held, bool sort) {
        const SortKey key{0, true};
        rows.arrange(
            held, sort, 1, {&key, 1}, [](const auto&) { return true; },
            [](const auto& a, const auto& b, unsigned) -> std::weak_ordering {
                return a.info.posted_at <=> b.info.posted_at;
            });
    }
    static CallbackInfo info(std::uint64_t id, int at) {
        CallbackInfo i;
        i.id = id;
        i.posted_at = TimePoint(1s * at);
        return i;
    }
    std::vector<std::uint64_t> ids() {
        std::vector<std::uint64_t> out;
        for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows[i].id + (rows[i].gone ? 1000 : 0));
        return out;
    }

    struct Nothing {};
    RowSet<CallbackInfo, Nothing> rows;
};

TEST_F(ImguiRows, SortWithAStableTieBreak) {
    update({info(3, 1), info(1, 2), info(2, 1), info(4, 5)});
    arrange(false, true);
    EXPECT_THAT(ids(), testing::ElementsAre(4, 1, 2, 3));
}

TEST_F(ImguiRows, HeldTheyStayAndTheNewComeLast) {
    update({info(1, 1), info(2, 2), info(3, 3)});
    arrange(false, true);
    update({info(1, 1), info(3, 3), info(9, 9)});
    arrange(true, false);
    EXPECT_THAT(ids(), testing::ElementsAre(3, 1002, 1, 9));
    update({info(1, 1), info(3, 3), info(9, 9)});
    arrange(false, true);
    EXPECT_THAT(ids(), testing::ElementsAre(9, 3, 1));
}

TEST_F(ImguiRows, WhatIsGoneDoesNotPileUpHoweverLongTheyAreHeld) {
    for (int i = 1; i < 5000; ++i) {
        update({info(static_cast<std::uint64_t>(i), i)});
        arrange(true, false);
        ASSERT_LT(rows.total(), 300U);
    }
}

class ImguiVerdict : public testing::Test {
protected:
    ImguiVerdict() { loop.set_observer(&recorder); }
    std::string judge() {
        view.refresh(now += 0.016);
        verdict.update(view);
        return verdict.sentence().c_str();
    }
    SimWorld world;
    IOLoop loop{world.options()};
    Recorder recorder;
    LocalSource source{loop, {.recorder = &recorder}};
    View view{source};
    Verdict verdict{4ms, 4ms};
    double now = 0;
};

TEST_F(ImguiVerdict, AQuietLoopIsOk) {
    for (int i = 0; i < 100; ++i) {
        loop.add_callback([] {});
        world.advance(16ms);
        loop.run_once();
        ASSERT_EQ(judge(), "ok: nothing slow, nothing thrown");
        ASSERT_EQ(verdict.severity(), Severity::ok);
    }
}

TEST_F(ImguiVerdict, NamesTheSlowCallForAWhile) {
    loop.add_callback([&] { world.advance(62ms); }, "load level");
    loop.run_once();
    EXPECT_THAT(judge(), HasSubstr("slow call: 62.0 ms in callback 'load level' at imgui_model.cpp:"));
    EXPECT_EQ(verdict.severity(), Severity::warning);
    for (int i = 0; i < 12; ++i) {
        world.advance(1s);
        judge();
    }
    EXPECT_THAT(judge(), HasSubstr("ok"));
}

TEST_F(ImguiVerdict, CountsErrorsUntilCleared) {
    loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    loop.add_callback([] { throw 1; }, "thrower");
    loop.run_once();
    EXPECT_THAT(judge(), HasSubstr("1 error: thrown by callback 'thrower'"));
    EXPECT_EQ(verdict.severity(), Severity::error);
    world.advance(20s);
    EXPECT_THAT(judge(), HasSubstr("1 error thrown"));
    recorder.clear();
    verdict.clear(view);
    EXPECT_THAT(judge(), HasSubstr("ok"));
}

TEST_F(ImguiVerdict, NamesTheDescriptorThatSpins) {
    const SocketPair pair;
    const Fd always = pair.a;
    loop.add_handler(
        always, [&](Fd, Events) { world.advance(10us); }, Events::write, "always writable");
    for (int i = 0; i < 60; ++i) {
        for (int j = 0; j < 1000; ++j) loop.run_once();
        judge();
    }
    EXPECT_THAT(judge(), HasSubstr("'always writable' is ready in each of"));
    loop.remove_handler(always);
}

TEST(ImguiHistory, EqualCallsInARowAreToldAsOne) {
    SimWorld world;
    IOLoop loop(world.options());
    Recorder recorder;
    loop.set_observer(&recorder);
    LocalSource source(loop, {.recorder = &recorder});
    View view(source);
    Filter filter;
    History history;
    for (int i = 0; i < 37; ++i) loop.add_callback([&] { world.advance(1ms); }, "many");
    loop.add_callback([] {}, "one");
    loop.run_once();
    view.refresh(0);
    history.update(view, filter, false);
    ASSERT_EQ(history.rows().size(), 2U);
    EXPECT_EQ(history.rows()[0].count, 1U);
    EXPECT_EQ(history.rows()[1].count, 37U);
    EXPECT_EQ(history.rows()[1].took, 37ms);
    EXPECT_EQ(history.rows()[1].longest, 1ms);
    EXPECT_EQ(history.calls(), 38U);

    loop.add_callback([] {}, "later");
    loop.run_once();
    view.refresh(1);
    history.update(view, filter, true);
    EXPECT_EQ(history.rows().size(), 2U); // held
    history.update(view, filter, false);
    EXPECT_EQ(history.rows().size(), 3U);
    loop.set_observer(nullptr);
}

} // namespace
