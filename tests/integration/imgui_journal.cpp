// SPDX-License-Identifier: MIT
/// The journal: all that happened, by time; what of it is recorded, and what is shown.
#include "../../integration/imgui/model/journal.hpp"
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::Journal;
using ioloop::imgui::JournalEntry;
using ioloop::imgui::JournalKind;
using ioloop::imgui::View;
using testing::HasSubstr;
using testing::Not;

namespace {

struct ImguiJournal : InspectedLoop {
    ImguiJournal() {
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    }
    static std::string page(InspectorGui& gui) {
        const std::string text = gui.text();
        const std::size_t at = text.find("\n| turn | ago | what");
        return at == std::string::npos ? text : text.substr(at);
    }
    static std::uint64_t number(JournalKind kind) { return static_cast<std::uint64_t>(kind); }
    void run(const Origin& origin) {
        loop.add_callback([this] { world.advance(1ms); }, origin);
        loop.run_once();
    }
};

TEST_F(ImguiJournal, IsToldWordByWord) {
    SocketPair pair;
    const Fd link = ::fcntl(pair.a, F_DUPFD_CLOEXEC, 200);
    InspectorGui gui(loop);
    gui.click("Journal");
    gui.move_away();
    loop.add_handler(
        link,
        [&](Fd fd, Events) {
            SocketPair::read_all(fd);
            world.advance(250us);
            const Timeout expiry = loop.call_later(
                90s, [] {}, Origin("session expiry", "src/session.cpp", 7, "begin"));
            loop.call_later(
                1s, [this] { world.advance(1ms); }, Origin("retry", "src/retry.cpp", 8, "begin"));
            loop.remove_timeout(expiry);
            loop.add_callback([] { throw std::runtime_error("no such file: save/slot3.dat"); },
                              Origin("bad idea", "net/link.cpp", 61, "on_message"));
        },
        Events::read, Origin("server link", "net/link.cpp", 41, "open"));
    world.advance(10ms);
    pair.send_to_a();
    loop.run_once(3s);
    loop.run_once(3s);
    loop.update_handler(link, Events::read | Events::write);
    loop.remove_handler(link);
    world.advance(500ms);
    EXPECT_EQ(page(gui), R"(
| turn | ago | what | kind | name | details | place | by |
| 2 | 500 ms | removed | handler | server link | fd 200 RW | link.cpp:41 | - |
| 2 | 500 ms | moved | handler | server link | fd 200 RW | link.cpp:41 | - |
| 2 | 501 ms | fired | timeout | retry | took 1.00 ms, late 0 | retry.cpp:8 | server link |
| 2 | 501 ms | woken | turn | retry | timeout due, slept 1.00 s of 1.00 s | retry.cpp:8 | - |
| 1 | 1.50 s | !! threw | callback | bad idea | no such file: save/slot3.dat | link.cpp:61 | server link |
| 1 | 1.50 s | removed | timeout | session expiry | | session.cpp:7 | server link |
| 1 | 1.50 s | added | timeout | retry | due in 1.00 s | retry.cpp:8 | server link |
| 1 | 1.50 s | added | timeout | session expiry | due in 90.0 s | session.cpp:7 | server link |
| 1 | 1.50 s | handled | handler | server link | fd 200 R, took 250 us | link.cpp:41 | - |
| 1 | 1.50 s | woken | turn | server link | descriptor, slept 0 of 3.00 s | link.cpp:41 | - |
| 0 | 1.51 s | added | handler | server link | fd 200 R | link.cpp:41 | - |
Health
11 of 11 entries
)");
    ::close(link);
}

TEST_F(ImguiJournal, WhatIsNotToBeShownIsHiddenAndStays) {
    InspectorGui gui(loop);
    gui.click("Journal");
    run("work");
    EXPECT_THAT(page(gui), HasSubstr("2 of 2 entries"));
    gui.click("Show", number(JournalKind::ran));
    gui.move_away();
    EXPECT_THAT(page(gui), HasSubstr("1 of 2 entries"));
    EXPECT_THAT(page(gui), Not(HasSubstr("| ran |")));
    gui.click("Show", number(JournalKind::ran));
    gui.move_away();
    EXPECT_THAT(page(gui), HasSubstr("2 of 2 entries"));
}

TEST_F(ImguiJournal, WhatIsNotToBeRecordedIsDroppedForGood) {
    InspectorGui gui(loop);
    gui.click("Journal");
    gui.click("Record", number(JournalKind::ran));
    gui.move_away();
    run("dropped");
    gui.frame();
    EXPECT_THAT(page(gui), Not(HasSubstr("| ran |")));
    gui.click("Record", number(JournalKind::ran));
    gui.move_away();
    run("kept");
    EXPECT_THAT(page(gui), HasSubstr("| ran | callback | kept |"));
    EXPECT_THAT(page(gui), Not(HasSubstr("| ran | callback | dropped |")));
}

TEST_F(ImguiJournal, TheFilterIsItsToo) {
    InspectorGui gui(loop);
    gui.click("Journal");
    loop.add_callback([] { throw std::runtime_error("disk full"); }, "saves");
    loop.run_once();
    run("works");
    gui.click("filter");
    gui.type("full");
    EXPECT_THAT(page(gui), HasSubstr("1 of 4 entries"));
    EXPECT_THAT(page(gui), HasSubstr("| !! threw | callback | saves | disk full |"));
}

TEST_F(ImguiJournal, ARowSelectsWhatItIsAbout) {
    InspectorGui gui(loop);
    gui.click("Journal");
    const Timeout timeout = loop.call_later(
        1h, [] {}, "expiry");
    world.advance(1ms);
    run("work");
    gui.frame();
    const auto& selection = InspectorGui::Probe::impl(gui.inspector).selection();
    gui.click("journal", 2); // the oldest
    EXPECT_EQ(selection.kind, ioloop::imgui::Selection::Kind::timeout);
    EXPECT_EQ(selection.timeout.id, timeout);
    gui.click("journal", 0);
    EXPECT_EQ(selection.kind, ioloop::imgui::Selection::Kind::call);
    gui.click("journal", 1);
    EXPECT_EQ(selection.kind, ioloop::imgui::Selection::Kind::turn);
    EXPECT_EQ(selection.turn.turn, 1U);
}

TEST_F(ImguiJournal, RowsStayUnderTheCursor) {
    InspectorGui gui(loop);
    gui.click("Journal");
    run("first");
    gui.frame();
    gui.move_to("journal", 0);
    run("second");
    gui.frames(3);
    EXPECT_EQ(gui.find("journal", 2), nullptr);
    gui.move_away();
    EXPECT_NE(gui.find("journal", 2), nullptr);
}

struct ImguiJournalModel : InspectedLoop {
    ImguiJournalModel() {
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
    }
    ~ImguiJournalModel() override { loop.set_observer(nullptr); }
    void look() {
        view.refresh(now += 1.0 / 60);
        journal.update(view);
    }
    void expect_in_order() const {
        for (std::size_t i = 1; i < journal.size(); ++i) ASSERT_LE(journal[i - 1].at, journal[i].at) << i;
    }

    LocalSource source{loop};
    View view{source};
    Journal journal;
    double now = 0;
};

TEST_F(ImguiJournalModel, ATurnThatIsToldOfAfterSomeOfItsCallsComesBeforeThem) {
    for (int i = 0; i < 4; ++i) loop.add_callback([this] { world.advance(1ms); }, "work");
    loop.run_once(no_wait, Budget{forever, 2});
    look();
    EXPECT_EQ(journal.size(), 2U);
    EXPECT_EQ(journal[0].what, JournalKind::ran);
    loop.run_once(no_wait, Budget{forever, 2});
    look();
    ASSERT_EQ(journal.size(), 5U);
    EXPECT_EQ(journal[0].what, JournalKind::woken);
    expect_in_order();
}

TEST_F(ImguiJournalModel, RemembersSoManyAndNoMoreTheNewestOnes) {
    for (int i = 0; i < 3000; ++i) {
        world.advance(1ms);
        loop.add_callback([this] { world.advance(1us); }, "work");
        loop.run_once();
        if (i % 100 == 0) look();
    }
    look();
    EXPECT_EQ(journal.size(), Journal::capacity);
    EXPECT_EQ(journal[journal.size() - 1].turn, 3000U);
    expect_in_order();
}

TEST_F(ImguiJournalModel, AnErrorIsToldOnceWithWhatItSays) {
    loop.add_callback([] { throw std::runtime_error("disk full"); }, "saves");
    loop.run_once();
    look();
    ASSERT_EQ(journal.size(), 2U);
    EXPECT_EQ(journal[1].what, JournalKind::threw);
    EXPECT_STREQ(journal[1].message.data(), "disk full");
}

TEST_F(ImguiJournalModel, IsForgottenWithTheRest) {
    loop.add_callback([] {}, "work");
    loop.run_once();
    look();
    EXPECT_EQ(journal.size(), 2U);
    source.request({.kind = Command::Kind::clear});
    look();
    EXPECT_EQ(journal.size(), 0U);
    loop.add_callback([] {}, "work");
    loop.run_once();
    look();
    EXPECT_EQ(journal.size(), 2U);
}

} // namespace
