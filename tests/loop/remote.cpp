// SPDX-License-Identifier: MIT
// A loop of one program, seen in another: over real sockets, both ends in this process.
#include "support/inspected_program.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/net/socket.hpp>

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

using Kind = Command::Kind;
using Remote = InspectedProgram;

Command command(Kind kind) {
    Command made;
    made.kind = kind;
    return made;
}

TEST_F(Remote, a_viewer_sees_what_the_program_holds_and_what_it_did) {
    SocketPair pair;
    program.add_handler(
        pair.a, [&](Fd, Events) { pair.read_a(); }, Events::read, "player \"Straße\"");
    program.call_later(
        1h, [] {}, "autosave");
    serve();
    pair.send_to_a();
    ASSERT_TRUE(attach());
    ASSERT_TRUE(more());
    EXPECT_EQ(moment.snapshot.name, "program");
    ASSERT_EQ(moment.snapshot.timeouts.size(), 1U);
    EXPECT_STREQ(moment.snapshot.timeouts[0].origin.name, "autosave");
    const auto& handlers = moment.snapshot.handlers;
    const auto player =
        std::find_if(handlers.begin(), handlers.end(), [&](const HandlerInfo& i) { return i.fd == pair.a; });
    ASSERT_NE(player, handlers.end());
    EXPECT_STREQ(player->origin.name, "player \"Straße\"");
    EXPECT_EQ(player->calls, 1U);
    EXPECT_TRUE(std::any_of(moment.calls.begin(), moment.calls.end(),
                            [&](const CallRecord& call) { return call.id == player->id; }));
    EXPECT_EQ(source->state(), RemoteSource::State::connected);
    EXPECT_THAT(source->state_text().c_str(), HasSubstr("'program', read-only"));
}

TEST_F(Remote, what_the_server_does_itself_has_names_that_say_so) {
    serve();
    ASSERT_TRUE(attach());
    ASSERT_TRUE(more(3));
    ASSERT_FALSE(moment.calls.empty());
    for (const HandlerInfo& info : moment.snapshot.handlers)
        EXPECT_THAT(info.origin.name, HasSubstr("inspector "));
    for (const CallRecord& call : moment.calls)
        EXPECT_THAT(call.chain.origin().name, HasSubstr("inspector "));
}

TEST_F(Remote, a_program_is_not_shown_as_inside_a_call_because_it_answers) {
    serve();
    ASSERT_TRUE(attach());
    ASSERT_TRUE(more());
    EXPECT_FALSE(moment.snapshot.in_call);
}

TEST_F(Remote, without_viewers_nothing_of_it_runs) {
    serve();
    EXPECT_EQ(program.next_deadline(), never);
    ASSERT_TRUE(attach());
    source.reset();
    ASSERT_TRUE(run_until([&] { return server->counts().viewers == 0; }));
    EXPECT_EQ(program.next_deadline(), never);
    EXPECT_EQ(program.run_once().ended, Ended::idle);
}

TEST_F(Remote, a_viewer_that_does_not_ask_is_sent_nothing) {
    serve();
    ASSERT_TRUE(attach());
    ASSERT_TRUE(more());
    const auto before = server->counts();
    for (int i = 0; i < 50; ++i) {
        program.run_once(200us);
        viewers.run_once(200us);
    }
    EXPECT_LE(server->counts().moments, before.moments + 1) << "that which was asked for already";
    EXPECT_EQ(program.next_deadline(), never);
}

TEST_F(Remote, moments_come_no_more_often_than_the_program_allows) {
    auto options = server_options();
    options.most_per_second = 20;
    serve(std::move(options));
    ASSERT_TRUE(attach());
    const auto begin = std::chrono::steady_clock::now();
    const std::uint64_t before = server->counts().moments;
    ASSERT_TRUE(more(4));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 3 * 45ms);
    EXPECT_LE(server->counts().moments, before + 5);
}

TEST_F(Remote, what_a_descriptor_stands_for_is_asked_there_and_not_here) {
    SocketPair pair;
    program.add_handler(
        pair.a, [](Fd, Events) {}, Events::none, "player");
    serve();
    ASSERT_TRUE(attach());
    const auto& handlers = moment.snapshot.handlers;
    const auto player =
        std::find_if(handlers.begin(), handlers.end(), [&](const HandlerInfo& i) { return i.fd == pair.a; });
    ASSERT_NE(player, handlers.end());
    const std::uint64_t id = player->id;
    const Descriptor* seen = source->describe(id, pair.a, seconds());
    EXPECT_EQ(seen, nullptr) << "not yet";
    ASSERT_TRUE(run_until([&] { return (seen = source->describe(id, pair.a, seconds())) != nullptr; }));
    const Descriptor here = ioloop::describe(pair.a);
    EXPECT_EQ(seen->kind, here.kind);
    EXPECT_EQ(seen->file, here.file);
    EXPECT_EQ(seen->send_buffer, here.send_buffer);
    EXPECT_FALSE(seen->blocking);
    EXPECT_EQ(source->describe(999'999, pair.a, seconds()), nullptr);
}

TEST_F(Remote, of_ten_thousand_objects_as_many_come_as_fit_and_the_rest_is_counted) {
    for (int i = 0; i < 10'000; ++i)
        program.call_later(
            1h, [] {}, "expiry");
    auto options = server_options();
    options.most_bytes = 100'000;
    serve(std::move(options));
    ASSERT_TRUE(attach());
    EXPECT_GT(moment.snapshot.timeouts.size(), 1000U);
    EXPECT_EQ(moment.snapshot.timeouts.size() + source->left_out(), 10'000U);
    EXPECT_EQ(moment.snapshot.statistics.timeouts, 10'000U);
    EXPECT_THAT(source->state_text().c_str(), HasSubstr("rows left out"));
}

TEST_F(Remote, two_viewers_each_see_all_of_it) {
    program.call_later(
        1h, [] {}, "autosave");
    serve();
    ASSERT_TRUE(attach());
    const auto second = view();
    Moment theirs;
    ASSERT_TRUE(run_until([&] {
        second->refresh(theirs, seconds());
        return !theirs.snapshot.timeouts.empty();
    }));
    ASSERT_TRUE(more());
    EXPECT_EQ(moment.snapshot.timeouts.size(), 1U);
}

TEST_F(Remote, an_address_elsewhere_or_a_token_that_no_program_can_have_is_refused) {
    for (const char* address : {"", "192.0.2.1:80", "0.0.0.0:80", "example.com:80", "unix:", "127.0.0.1"}) {
        RemoteSource::Options options;
        options.address = address;
        options.token = token;
        EXPECT_THAT(thrown<std::invalid_argument>([&] { const RemoteSource none(viewers, options); }),
                    HasSubstr("not an address of this machine"))
            << address;
    }
    for (const std::size_t size : {0U, 257U}) {
        RemoteSource::Options options;
        options.address = "127.0.0.1:80";
        options.token = std::string(size, 'x');
        EXPECT_THAT(thrown<std::invalid_argument>([&] { const RemoteSource none(viewers, options); }),
                    HasSubstr("token"))
            << size;
    }
}

TEST_F(Remote, a_program_that_lets_in_and_says_nothing_is_given_up_and_tried_again) {
    std::error_code error;
    const Socket silent = Socket::listen(SocketAddress::loopback(0), {}, error);
    ASSERT_FALSE(error);
    RemoteSource::Options options;
    options.address = silent.local().to_string();
    options.token = token;
    options.retry_after = 1ms;
    options.answer_within = 20ms;
    source = std::make_unique<RemoteSource>(viewers, options);
    EXPECT_THAT(source->state_text().c_str(), HasSubstr("connecting to 127.0.0.1:"));
    ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::lost; }));
    EXPECT_THAT(source->state_text().c_str(), HasSubstr("no answer"));
    EXPECT_TRUE(run_until([&] { return source->state() == RemoteSource::State::connecting; }));
}

TEST_F(Remote, told_to_it_tries_again_at_once) {
    serve();
    RemoteSource::Options options;
    options.address = server->address();
    options.token = "another";
    source = std::make_unique<RemoteSource>(viewers, options);
    ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::refused; }));
    source->reconnect();
    EXPECT_EQ(source->state(), RemoteSource::State::connecting);
    ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::refused; }));
    EXPECT_EQ(server->counts().refused, 2U);
}

// ---- commands -----------------------------------------------------------------------------------

TEST_F(Remote, a_viewer_may_look_and_do_nothing_unless_that_is_allowed) {
    const Timeout autosave = program.call_later(
        1h, [] {}, "autosave");
    serve();
    ASSERT_TRUE(attach());
    Command cancel = command(Kind::cancel);
    cancel.timeout = autosave;
    EXPECT_THAT(source->refusal(), HasSubstr("look"));
    EXPECT_THAT(ask(cancel), HasSubstr("refused"));
    EXPECT_NE(program.deadline_of(autosave), never);
}

TEST_F(Remote, a_timeout_is_cancelled_on_request_and_the_outcome_said) {
    const Timeout autosave = program.call_later(
        1h, [] {}, "autosave");
    serve(commanded());
    ASSERT_TRUE(attach());
    EXPECT_EQ(source->refusal(), nullptr);
    Command cancel = command(Kind::cancel);
    cancel.timeout = autosave;
    EXPECT_EQ(ask(cancel), "cancelled 'autosave'");
    EXPECT_EQ(program.deadline_of(autosave), never);
    EXPECT_FALSE(program.paused()) << "only for the moment that it took";
    EXPECT_THAT(ask(cancel), HasSubstr("nothing done"));
}

#if !defined(_WIN32)
TEST_F(Remote, a_lint_is_muted_and_heard_again_by_a_viewer) {
    const SocketPair pair;
    ASSERT_EQ(::fcntl(pair.a, F_SETFL, 0), 0);
    program.add_handler(
        pair.a, [](Fd, Events) {}, Events::read, "player");
    serve(commanded());
    ASSERT_TRUE(attach());
    const auto found_and_muted = [&](bool muted) {
        return run_until([&] {
            return std::any_of(moment.findings.begin(), moment.findings.end(), [&](const Finding& finding) {
                return finding.lint == Lint::blocking_fd && finding.muted == muted;
            });
        });
    };
    ASSERT_TRUE(found_and_muted(false));
    Command wanted = command(Kind::mute);
    wanted.lint = Lint::blocking_fd;
    EXPECT_EQ(ask(wanted), "muted blocking-fd");
    EXPECT_TRUE(found_and_muted(true));
    wanted.kind = Kind::unmute;
    EXPECT_EQ(ask(wanted), "unmuted blocking-fd");
    EXPECT_TRUE(found_and_muted(false));
}
#endif

TEST_F(Remote, a_loop_is_paused_stepped_and_resumed_by_a_viewer) {
    serve(commanded());
    ASSERT_TRUE(attach());
    EXPECT_EQ(ask(command(Kind::step_call)), "not paused: there is nothing to step");
    EXPECT_EQ(ask(command(Kind::pause)), "paused the loop");
    EXPECT_TRUE(program.paused());
    ASSERT_TRUE(more()) << "also while it is paused";
    EXPECT_TRUE(source->paused());
    int ran = 0;
    program.add_callback([&] { ++ran; }, "one");
    program.add_callback([&] { ++ran; }, "two");
    ASSERT_TRUE(more());
    EXPECT_EQ(ran, 0);
    EXPECT_THAT(ask(command(Kind::step_call)), HasSubstr("step: ran 1 call"));
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(ask(command(Kind::resume)), "resumed the loop");
    ASSERT_TRUE(run_until([&] { return ran == 2; }));
    ASSERT_TRUE(more(2));
    EXPECT_FALSE(source->paused());
}

TEST_F(Remote, a_breakpoint_on_a_call_site_pauses_the_program_and_says_where) {
    int ran = 0;
    program.call_later(
        1h, [] {}, "another");
    serve(commanded());
    PeriodicCallback tick(
        program, 1ms, [&] { ++ran; }, "tick \"1\"");
    tick.start();
    ASSERT_TRUE(attach());
    ASSERT_TRUE(run_until([&] { return ran > 0 && !moment.calls.empty(); }));
    ASSERT_TRUE(more());
    const auto found = std::find_if(moment.calls.begin(), moment.calls.end(), [](const CallRecord& call) {
        return call.kind == CallKind::timeout && call.chain.origin().name == std::string("tick \"1\"");
    });
    ASSERT_NE(found, moment.calls.end());
    Command at = command(Kind::add_breakpoint);
    at.breakpoint.on = Breakpoint::On::site;
    at.breakpoint.site = found->chain.site();
    EXPECT_EQ(ask(at), "breakpoint set");
    ASSERT_TRUE(run_until([&] { return program.paused() && moment.hit.number == 1; }));
    EXPECT_STREQ(moment.hit.call.chain.origin().name, "tick \"1\"");
    const int before = ran;
    ASSERT_TRUE(more(2));
    EXPECT_EQ(ran, before);

    source.reset();
    ASSERT_TRUE(run_until([&] { return ran > before + 3; })) << "nobody is there who could resume it";
}

TEST_F(Remote, a_program_that_is_paused_by_a_viewer_goes_on_when_that_one_leaves) {
    serve(commanded());
    ASSERT_TRUE(attach());
    EXPECT_EQ(ask(command(Kind::pause)), "paused the loop");
    source.reset();
    EXPECT_TRUE(run_until([&] { return !program.paused(); }));
}

TEST_F(Remote, a_program_that_has_paused_its_loop_itself_stays_paused_when_a_viewer_leaves) {
    serve(commanded());
    ASSERT_TRUE(attach());
    program.set_paused(true);
    source.reset();
    ASSERT_TRUE(run_until([&] { return server->counts().viewers == 0; }));
    EXPECT_TRUE(program.paused());
}

TEST_F(Remote, a_step_may_destroy_the_server) {
    serve(commanded());
    ASSERT_TRUE(attach());
    EXPECT_EQ(ask(command(Kind::pause)), "paused the loop");
    program.add_callback([&] { server.reset(); }, "the end");
    source->request(command(Kind::step_call));
    EXPECT_TRUE(run_until([&] { return source->state() == RemoteSource::State::lost; }));
    EXPECT_EQ(server, nullptr);
}

TEST_F(Remote, what_was_recorded_is_cleared_on_request) {
    serve(commanded());
    for (int i = 0; i < 100; ++i) program.add_callback([] {}, "noise");
    ASSERT_TRUE(attach());
    ASSERT_GE(moment.calls.size(), 100U);
    EXPECT_EQ(ask(command(Kind::clear)), "forgot what was recorded");
    ASSERT_TRUE(more(2));
    EXPECT_LT(moment.calls.size(), 100U);
}

TEST_F(Remote, a_program_that_gives_its_thread_to_the_loop_is_paused_and_resumed_as_well) {
    serve(commanded());
    pumping = false;
    const std::string address = server->address();
    std::thread thread([&] { program.start(); });
    RemoteSource::Options options;
    options.address = address;
    options.token = token;
    source = std::make_unique<RemoteSource>(viewers, options);
    ASSERT_TRUE(run_until([&] { return moment.snapshot.running; }));
    EXPECT_EQ(ask(command(Kind::pause)), "paused the loop");
    ASSERT_TRUE(run_until([&] { return moment.snapshot.paused; }));
    EXPECT_EQ(ask(command(Kind::resume)), "resumed the loop");
    ASSERT_TRUE(run_until([&] { return !moment.snapshot.paused; }));
    program.stop();
    thread.join();
    server.reset();
}

// ---- losing each other --------------------------------------------------------------------------

TEST_F(Remote, a_viewer_sees_that_the_server_is_gone_and_comes_back_when_it_does) {
    serve();
    ASSERT_TRUE(attach());
    const std::string address = server->address();
    server.reset();
    ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::lost; }));
    EXPECT_THAT(source->state_text().c_str(), HasSubstr("no connection to " + address));
    EXPECT_THAT(source->refusal(), HasSubstr("no connection"));
    EXPECT_STREQ(source->request(command(Kind::pause)).c_str(),
                 "refused: there is no connection to the program");
    serve(server_options(address));
    ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::connected; }));
    EXPECT_TRUE(more());
}

TEST_F(Remote, a_server_may_be_destroyed_and_its_loop_closed_while_viewers_are_connected) {
    serve();
    ASSERT_TRUE(attach());
    program.close();
    pumping = false;
    server.reset();
    EXPECT_TRUE(run_until([&] { return source->state() == RemoteSource::State::lost; }));
}

TEST_F(Remote, a_loop_of_viewers_may_be_closed_before_them) {
    serve();
    ASSERT_TRUE(attach());
    viewers.close();
    source->refresh(moment, seconds());
    source.reset();
    EXPECT_TRUE([&] {
        for (int i = 0; i < 1000 && server->counts().viewers > 0; ++i) program.run_once(1ms);
        return server->counts().viewers == 0;
    }());
}

TEST_F(Remote, a_program_that_does_not_run_its_loop_is_said_to_be_silent) {
    serve();
    ASSERT_TRUE(attach());
    pumping = false;
    EXPECT_TRUE(
        run_until([&] { return source->state_text().view().find("said nothing") != std::string::npos; }));
    pumping = true;
    EXPECT_TRUE(more(2));
    EXPECT_THAT(source->state_text().c_str(), Not(HasSubstr("said nothing")));
}

// ---- addresses ----------------------------------------------------------------------------------

TEST_F(Remote, only_addresses_of_this_machine_are_listened_at) {
    for (const char* address : {"", "0.0.0.0:0", "192.168.1.1:0", "example.com:80", "127.0.0.1",
                                "127.0.0.1:65536", "127.0.0.1:x", "127.1:80", "[::]:0", "[::1]",
                                "unix:", "[fe80::1]:1", ":1", "::1:1", "127.0.0.1.1:1", "127.0.0.256:1"}) {
        EXPECT_THROW(serve(server_options(address)), std::invalid_argument) << address;
    }
}

TEST_F(Remote, a_token_is_required) {
    auto options = server_options();
    options.token = "";
    EXPECT_THROW(serve(options), std::invalid_argument);
    options.token = std::string(257, 'x');
    EXPECT_THROW(serve(options), std::invalid_argument);
    serve();
    EXPECT_THROW(view(""), std::invalid_argument);
}

TEST_F(Remote, a_port_that_is_taken_is_an_error_that_says_which) {
    serve();
    try {
        InspectorServer second(program, server_options(server->address()));
        ADD_FAILURE() << "two listen there";
    } catch (const std::system_error& error) {
        EXPECT_THAT(error.what(), HasSubstr(server->address()));
    }
}

TEST_F(Remote, ipv6_is_as_good) {
    try {
        serve(server_options("[::1]:0"));
    } catch (const std::system_error&) {
        GTEST_SKIP() << "this machine has none";
    }
    EXPECT_THAT(server->address(), HasSubstr("[::1]:"));
    EXPECT_TRUE(attach());
}

} // namespace
