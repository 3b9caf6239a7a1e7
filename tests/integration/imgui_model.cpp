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

#include <ioloop/ioloop.hpp>

#include <algorithm>
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

TEST_F(ImguiRows, OfAnIdThatIsRepeatedAreNoMoreThanAreTold) {
    const std::vector<CallbackInfo> many(10, info(7, 1)); // so says a program that lies, somewhere else
    for (int i = 0; i < 5; ++i) {
        update(many);
        arrange(false, true);
        EXPECT_EQ(rows.total(), 10U);
        update({info(7, 1)});
        arrange(false, true);
        EXPECT_EQ(rows.total(), 1U);
    }
}

TEST_F(ImguiRows, AreFoundByTheirIdsHoweverTheListShifts) {
    update({info(1, 1), info(2, 2), info(3, 3), info(4, 4)});
    arrange(false, true);
    for (const std::vector<CallbackInfo>& next : {
             std::vector{info(1, 1), info(2, 2), info(3, 3), info(4, 4)}, // as it was
             std::vector{info(2, 2), info(3, 3), info(4, 4)},             // the first is gone
             std::vector{info(4, 4), info(7, 7), info(3, 3)}, // another order, and one that is new
         }) {
        update(next);
        for (std::uint64_t id = 1; id < 9; ++id) {
            const auto has = [&](const CallbackInfo& each) { return each.id == id; };
            const bool held = std::any_of(next.begin(), next.end(), has);
            ASSERT_EQ(rows.find(id) != nullptr, held) << id;
            if (held) {
                EXPECT_EQ(rows.find(id)->id, id);
                EXPECT_EQ(rows.find(id)->info.id, id);
            }
        }
    }
    arrange(false, true);
    EXPECT_THAT(ids(), testing::ElementsAre(7, 4, 3));
}

TEST_F(ImguiRows, AreSortedAnewWhenAValueChanged) {
    update({info(1, 1), info(2, 2), info(3, 3)});
    arrange(false, true);
    arrange(false, true); // in order already
    EXPECT_THAT(ids(), testing::ElementsAre(3, 2, 1));
    update({info(1, 9), info(2, 2), info(3, 3)});
    arrange(false, false);
    EXPECT_THAT(ids(), testing::ElementsAre(3, 2, 1));
    arrange(false, true);
    EXPECT_THAT(ids(), testing::ElementsAre(1, 3, 2));
}

TEST_F(ImguiRows, WhatIsGoneDoesNotPileUpHoweverLongTheyAreHeld) {
    for (int i = 1; i < 5000; ++i) {
        update({info(static_cast<std::uint64_t>(i), i)});
        arrange(true, false);
        ASSERT_LT(rows.total(), 300U);
    }
}

/// A finding that is active.
Finding found(const char* sentence, Severity severity = Severity::warning) {
    Finding finding;
    finding.severity = severity;
    finding.active = true;
    finding.sentence = sentence;
    return finding;
}

TEST(ImguiVerdict, QuietIsOk) {
    Moment moment;
    moment.observing = true;
    EXPECT_EQ(judge(moment).sentence.view(), "ok: nothing slow, nothing thrown");
    EXPECT_EQ(judge(moment).severity, Severity::ok);
    EXPECT_EQ(judge(moment).finding, nullptr);
}

TEST(ImguiVerdict, TheWorstFindingIsTheFirstThatIsActiveAndNotMuted) {
    Moment moment;
    moment.observing = true;
    moment.snapshot.paused = true;
    moment.findings = {found("muted", Severity::error), found("past", Severity::error), found("the worst"),
                       found("another")};
    moment.findings[0].muted = true;
    moment.findings[1].active = false;
    const Verdict verdict = judge(moment);
    EXPECT_EQ(verdict.sentence.view(), "the worst");
    EXPECT_EQ(verdict.severity, Severity::warning);
    EXPECT_EQ(verdict.finding, &moment.findings[2]);
}

TEST(ImguiVerdict, WhatIsMutedIsSaidToBe) {
    Moment moment;
    moment.observing = true;
    moment.findings = {found("muted")};
    moment.findings[0].muted = true;
    EXPECT_EQ(judge(moment).sentence.view(), "ok, but for what is muted: 1 finding");
    EXPECT_EQ(judge(moment).severity, Severity::ok);
}

TEST(ImguiVerdict, FindingsComeBeforeThePauseThatComesBeforeTheRest) {
    Moment moment;
    EXPECT_THAT(judge(moment).sentence.c_str(), HasSubstr("no history"));
    moment.snapshot.suspended = true;
    EXPECT_THAT(judge(moment).sentence.c_str(), HasSubstr("suspended"));
    moment.snapshot.paused = true;
    EXPECT_THAT(judge(moment).sentence.c_str(), HasSubstr("paused"));
    moment.findings = {found("bad")};
    EXPECT_EQ(judge(moment).sentence.view(), "bad");
    moment.closed = true;
    EXPECT_THAT(judge(moment).sentence.c_str(), HasSubstr("closed"));
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
