// SPDX-License-Identifier: MIT
/// The lints' tab, and the sentence in the header that leads there; of findings that are made up.
#include "support/fake_source.hpp"
#include "support/inspector_gui.hpp"

#include <ioloop/ioloop.hpp>

#include <chrono>
#include <string>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

namespace {

class ImguiLints : public testing::Test {
protected:
    ImguiLints() {
        HandlerInfo link;
        link.id = 7;
        link.fd = 12;
        link.chain = chain("server link", 41);
        link.origin = link.chain.origin();
        source.moment.snapshot.handlers = {link};

        Finding spins = finding(Lint::busy_read, Severity::error, "fd 12 is never read", link.chain);
        spins.kind = CallKind::handler;
        spins.id = link.id;
        spins.fd = link.fd;
        Finding slow =
            finding(Lint::slow_dispatch, Severity::warning, "'load' took 62.0 ms", chain("load", 9));
        slow.active = false;
        slow.last = slow.since + 1s;
        source.moment.findings = {spins, slow};
    }
    Finding finding(Lint lint, Severity severity, const char* sentence, const Chain& chain) const {
        Finding finding;
        finding.lint = lint;
        finding.severity = severity;
        finding.active = true;
        finding.chain = chain;
        finding.since = source.moment.snapshot.time - 5s;
        finding.last = source.moment.snapshot.time;
        finding.count = 3;
        finding.sentence = sentence;
        return finding;
    }
    template <std::size_t N> static Chain chain(const char (&name)[N], std::uint32_t line) {
        return Chain{}.then(site_of(Origin(name, "net/link.cpp", line, "open")));
    }
    static std::string name_of(Lint lint) { return text_of(lint).name; }

    FakeSource source;
};

TEST_F(ImguiLints, TheyAreToldWordByWord) {
    InspectorGui gui(source);
    gui.click("Lints");
    EXPECT_THAT(gui.text(),
                HasSubstr("\n1 active, 1 past, 0 muted a row selects what it is about\n"
                          "| lint | state | what it found | where | since | last seen | times | action |\n"
                          "| !! " +
                          name_of(Lint::busy_read) +
                          " | active | fd 12 is never read | link.cpp:41 | 5.00 s ago | now | 3 | "
                          "[ Why? ] [ Mute ] |\n"
                          "| !  " +
                          name_of(Lint::slow_dispatch) +
                          " | past | 'load' took 62.0 ms | link.cpp:9 | 5.00 s ago | 4.00 s ago | 3 | "
                          "[ Why? ] [ Mute ] |\n"));
    EXPECT_THAT(gui.text(), HasSubstr("2 of 2 findings"));
}

TEST_F(ImguiLints, TheTabSaysHowManyAreActive) {
    InspectorGui gui(source);
    gui.click("Descriptors");
    EXPECT_THAT(gui.text(), HasSubstr("Lints (1)"));
    source.moment.findings[0].muted = true;
    gui.frame();
    EXPECT_THAT(gui.text(), Not(HasSubstr("Lints (1)")));
}

TEST_F(ImguiLints, ARowSelectsTheObject) {
    InspectorGui gui(source);
    gui.click("Lints");
    gui.click("lint", 0);
    EXPECT_THAT(gui.text(), HasSubstr("fd 12, server link"));
}

TEST_F(ImguiLints, ARowOfWhatIsGoneSelectsTheSite) {
    source.moment.snapshot.handlers.clear();
    InspectorGui gui(source);
    gui.click("Lints");
    gui.click("lint", 0);
    EXPECT_THAT(gui.text(), HasSubstr("handlers of server link"));
    gui.click("lint", 1);
    EXPECT_THAT(gui.text(), HasSubstr("callbacks of load"));
    EXPECT_THAT(gui.text(), HasSubstr("place link.cpp:9 in open"));
}

TEST_F(ImguiLints, ARowOfTheLoopItselfChangesNothing) {
    source.moment.findings = {finding(Lint::not_pumped, Severity::error, "nobody runs the loop", Chain{})};
    InspectorGui gui(source);
    gui.click("Lints");
    gui.click("lint", 0);
    EXPECT_EQ(gui.find("detail/unselect"), nullptr);
}

TEST_F(ImguiLints, TheSentenceInTheHeaderLeadsToThem) {
    InspectorGui gui(source);
    gui.click("Descriptors");
    EXPECT_THAT(gui.text(), HasSubstr("Live !! fd 12 is never read"));
    gui.click("verdict");
    EXPECT_THAT(gui.text(), HasSubstr("1 active, 1 past, 0 muted"));
    EXPECT_THAT(gui.text(), HasSubstr("fd 12, server link"));
    gui.click("Descriptors"); // it was asked for once
    gui.frames(3);
    EXPECT_THAT(gui.text(), Not(HasSubstr("1 active, 1 past, 0 muted")));
}

TEST_F(ImguiLints, ASentenceThatIsAboutNoFindingLeadsNowhere) {
    source.moment.findings.clear();
    InspectorGui gui(source);
    gui.click("Descriptors");
    gui.click("verdict");
    EXPECT_THAT(gui.text(), Not(HasSubstr("Nothing was found.")));
    gui.click("Lints");
    EXPECT_THAT(gui.text(), HasSubstr("Nothing was found."));
}

TEST_F(ImguiLints, WhyAndWhatToDoAreSaidWhenAskedFor) {
    InspectorGui gui(source);
    gui.click("Lints");
    const LintText& text = text_of(Lint::busy_read);
    const LintText& other = text_of(Lint::slow_dispatch);
    EXPECT_THAT(gui.text(), Not(HasSubstr(text.why)));
    gui.click("lint/why", 0);
    EXPECT_THAT(gui.text(), HasSubstr(text.why));
    EXPECT_THAT(gui.text(), HasSubstr(text.fix));
    gui.click("lint/why", 1);
    EXPECT_THAT(gui.text(), HasSubstr(other.why));
    EXPECT_THAT(gui.text(), Not(HasSubstr(text.why)));
    gui.click("lint/why", 1);
    EXPECT_THAT(gui.text(), Not(HasSubstr(other.why)));
    EXPECT_EQ(gui.find("detail/unselect"), nullptr); // a button of a row is not the row
}

TEST_F(ImguiLints, TheyAreMutedAndHeardAgain) {
    InspectorGui gui(source);
    gui.click("Lints");
    gui.click("lint/mute", 0);
    ASSERT_EQ(source.requests.size(), 1U);
    EXPECT_EQ(source.requests[0].kind, Command::Kind::mute);
    EXPECT_EQ(source.requests[0].lint, Lint::busy_read);

    source.moment.findings[0].muted = true;
    gui.move_away();
    EXPECT_THAT(gui.text(), HasSubstr("0 active, 1 past, 1 muted"));
    EXPECT_THAT(gui.text(), HasSubstr("| muted | fd 12 is never read"));
    EXPECT_THAT(gui.text(), HasSubstr("Live ok, but for what is muted: 1 finding"));
    gui.click("lint/mute", 1); // the muted ones come last
    ASSERT_EQ(source.requests.size(), 2U);
    EXPECT_EQ(source.requests[1].kind, Command::Kind::unmute);
    EXPECT_EQ(source.requests[1].lint, Lint::busy_read);
}

TEST_F(ImguiLints, RowsStayWhileTheCursorIsOnThem) {
    InspectorGui gui(source);
    gui.click("Lints");
    gui.move_to("lint", 1);
    source.moment.findings.clear();
    gui.frames(5);
    EXPECT_NE(gui.find("lint", 1), nullptr);
    gui.move_away();
    EXPECT_EQ(gui.find("lint", 0), nullptr);
}

TEST_F(ImguiLints, TheFilterIsTheirsToo) {
    InspectorGui gui(source);
    gui.click("Lints");
    gui.click("filter");
    gui.type("load");
    EXPECT_THAT(gui.text(), HasSubstr("1 of 2 findings"));
    EXPECT_THAT(gui.text(), HasSubstr("'load' took 62.0 ms"));
}

} // namespace
