// SPDX-License-Identifier: MIT
/// What the columns of the tables say beyond what the loop does: the kernel's side, and what was measured.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/short_poller.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/inspect/local_source.hpp>
#include <ioloop/ioloop.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>

#include <gmock/gmock.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::id_of;
using testing::HasSubstr;
using testing::Not;

namespace {

/// A loop's own source, but slow: what a descriptor is, it knows only when it was told so.
class SlowSource final : public Source {
public:
    explicit SlowSource(IOLoop& loop) : local_(loop) {}
    void begin_frame() override { local_.begin_frame(); }
    bool refresh(Moment& moment, double now) override { return local_.refresh(moment, now); }
    const Descriptor* describe(std::uint64_t handler, Fd fd, double now) override {
        ++asked;
        return known ? local_.describe(handler, fd, now) : nullptr;
    }
    std::uint64_t calls_run() const override { return local_.calls_run(); }
    bool paused() const override { return local_.paused(); }
    const char* refusal() const override { return local_.refusal(); }
    Text request(const Command& command) override { return local_.request(command); }

    int asked = 0;
    bool known = false;

private:
    LocalSource local_;
};

struct ImguiColumns : InspectedLoop {
    /// The line of the table that has this word.
    static std::string row(InspectorGui& gui, const std::string& word) {
        ImGui::GetIO().DisplaySize = ImVec2(4300, 900); // no column out of sight
        ImGui::SetWindowSize("IOLoop", ImVec2(4200, 800));
        gui.frames(3);
        const std::string text = gui.text();
        const std::size_t at = text.find("| " + word + " |");
        if (at == std::string::npos) return "no row " + word;
        const std::size_t begin = text.rfind('\n', at) + 1;
        return text.substr(begin, text.find('\n', at) - begin);
    }
};

TEST_F(ImguiColumns, AskTheSourceWhatADescriptorIsOnceASecond) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    SlowSource source(loop);
    InspectorGui gui(source);
    gui.click("Descriptors");
    EXPECT_THAT(row(gui, "link"), HasSubstr("| link | ? |"));
    source.known = true;
    gui.frames(2);
    EXPECT_THAT(row(gui, "link"), HasSubstr("| link | unix stream |"));
    source.asked = 0;
    gui.frames(120); // of 1/60 s
    EXPECT_GE(source.asked, 1);
    EXPECT_LE(source.asked, 3);
    source.known = false; // what was said stays
    gui.frames(120);
    EXPECT_THAT(row(gui, "link"), HasSubstr("| link | unix stream |"));
}

TEST_F(ImguiColumns, MeasureTheCallsOfAHandlerAndForHowLongItIsIdle) {
    SocketPair pair;
    InspectorGui gui(loop);
    gui.click("Descriptors");
    loop.add_handler(
        pair.a, [&](Fd, Events) { world.advance(pair.read_a() == "slow" ? Duration(20ms) : Duration(2ms)); },
        Events::read, "link");
    gui.frame();
    EXPECT_THAT(row(gui, "link"), HasSubstr("| never |"));
    pair.send_to_a("slow");
    loop.run_once();
    gui.frame();
    pair.send_to_a("quick");
    loop.run_once();
    world.advance(3s);
    EXPECT_THAT(row(gui, "link"), HasSubstr("| 11.0 ms | ! 20.0 ms | "));
    EXPECT_THAT(row(gui, "link"), HasSubstr("| 3.00 s | imgui_columns.cpp:"));
    EXPECT_THAT(row(gui, "link"), HasSubstr("| 3.02 s | - |")); // since it was added
}

TEST_F(ImguiColumns, ShowWhatTheOwnerOfADescriptorCounts) {
    SocketPair pair;
    SocketPair other;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    loop.add_handler(
        other.a, [](Fd, Events) {}, Events::read, "other");
    Flow flow{1024, 10, 3, 1, 512, 20, 0};
    loop.set_flow(pair.a, &flow);
    InspectorGui gui(loop);
    gui.click("Descriptors");
    EXPECT_THAT(row(gui, "link"), HasSubstr("| 1.00 KiB | - | 10 B | - | 512 B in, 20 B out | 0 |"));
    EXPECT_THAT(row(gui, "other"), HasSubstr("| - | - | - | - | - | - |"));
    flow.bytes_in += 4096;
    flow.dropped = 2;
    world.advance(2s);
    EXPECT_THAT(row(gui, "link"),
                HasSubstr("| 5.00 KiB | 2.00 KiB/s | 10 B | 0 B/s | 512 B in, 20 B out | ! 2 |"));
    gui.click("descriptor", handler_id(pair.a));
    gui.frame();
    EXPECT_THAT(gui.text(), HasSubstr("5.00 KiB in 3 messages, 512 B waiting"));
    EXPECT_THAT(gui.text(), HasSubstr("10 B in 1 message, 20 B queued"));
}

TEST_F(ImguiColumns, TellTheKernelsSideOfAHandler) {
    SocketPair pair;
    SocketPair sound;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "link");
    loop.add_handler(
        sound.a, [](Fd, Events) {}, Events::read, "sound");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    if (row(gui, "link").find("| unix stream | in step |") == std::string::npos) {
        EXPECT_THAT(row(gui, "link"), HasSubstr("| unix stream | - |"));
        GTEST_SKIP() << "this system does not tell";
    }
    const Fd twin = ::dup(pair.a); // keeps the file open, and so watched
    pair.close_a();
    gui.frames(150); // asked once a second
    EXPECT_THAT(row(gui, "link"), HasSubstr("| !! ghost |"));
    EXPECT_THAT(row(gui, "sound"), HasSubstr("| in step |"));
    ::close(twin);
    gui.frames(150);
    EXPECT_THAT(row(gui, "link"), HasSubstr("| !! lost |"));
}

TEST_F(ImguiColumns, SayThatADescriptorCannotBeWatchedJustNow) {
    Shortage shortage;
    IOLoop poor(world.options(std::make_unique<ShortPoller>(shortage, world)));
    SocketPair pair;
    poor.add_handler(
        pair.a,
        [&](Fd, Events) {
            poor.run_once(); // in which it is not watched
            shortage.of_adding = std::errc::not_enough_memory;
        },
        Events::read, "link");
    pair.send_to_a();
    poor.run_once();
    InspectorGui gui(poor);
    gui.click("Descriptors");
    EXPECT_THAT(row(gui, "link"), HasSubstr("| unix stream | ! not watched |"));
}

TEST_F(ImguiColumns, SayInWhichShareOfTheTurnsAHandlerIsReady) {
    SocketPair pair;
    loop.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "never reads");
    InspectorGui gui(loop);
    gui.click("Descriptors");
    pair.send_to_a();
    gui.between_frames = [&] {
        world.advance(16ms);
        loop.run_once();
    };
    gui.frames(120);
    EXPECT_THAT(row(gui, "never reads"), HasSubstr("| R | R | 100 % |"));
}

TEST_F(ImguiColumns, SayHowLateATimeoutWasAndHowOftenItWasMoved) {
    PeriodicCallback tick(
        loop, 100ms, [&] { world.advance(1ms); }, "tick");
    tick.start();
    InspectorGui gui(loop);
    gui.click("Timeouts");
    EXPECT_THAT(row(gui, "periodic"), HasSubstr("| - | - | - | - | 0 | - | - |"));
    world.advance(110ms);
    loop.run_once(); // 10 ms late
    gui.frame();
    world.advance(119ms); // due at 200
    loop.run_once();      // 30 ms late
    gui.frame();
    // late, on average, at most; the interval; re-armed by itself; took
    EXPECT_THAT(row(gui, "periodic"),
                HasSubstr("| 30.0 ms | 20.0 ms | 30.0 ms | 120 ms | 2 | 1.00 ms | 1.00 ms |"));
}

TEST_F(ImguiColumns, TheDetailsOfACallSayWhoPostedItAndWhatItCaused) {
    InspectorGui gui(loop);
    gui.click("Callbacks");
    loop.add_callback(
        [&] {
            world.advance(1ms);
            loop.add_callback([] {}, "child");
            loop.call_later(
                1h, [] {}, "reminder");
        },
        "parent");
    loop.run_once();
    loop.run_once();
    gui.frame();
    const auto calls = InspectorGui::Probe::view(gui.inspector).calls();
    ASSERT_EQ(calls.size(), 2U);
    const std::uint64_t child = calls[1].id;
    gui.click("ran", calls[0].id);
    EXPECT_THAT(gui.text(), HasSubstr("posted by another thread, or the host between two turns\n"
                                      "caused timeout reminder  imgui_columns.cpp:"));
    EXPECT_THAT(gui.text(), HasSubstr("\nand callback child  imgui_columns.cpp:"));
    gui.click("ran", child);
    EXPECT_THAT(gui.text(), HasSubstr("posted by parent"));
    EXPECT_THAT(gui.text(), Not(HasSubstr("caused")));
}

} // namespace
