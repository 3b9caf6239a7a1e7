// SPDX-License-Identifier: MIT
// The InspectorServer and those who are no proper viewers: too many, too slow, with nothing or something else to say.
#include "support/strangers.hpp"
#if !defined(_WIN32)
#include "support/no_descriptors.hpp"
#endif

#include <random>
#include <vector>

#include <gmock/gmock.h>

using namespace ioloop;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

using Bytes = std::vector<std::uint8_t>;

TEST_F(Strangers, whoever_has_another_token_is_refused_and_told_so) {
    serve();
    for (const std::string wrong : {"x", "correct hors", "correct horse ", "correct horsecorrect horse"}) {
        source = view(wrong);
        ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::refused; })) << wrong;
        EXPECT_THAT(source->state_text().c_str(), HasSubstr("token"));
    }
    EXPECT_EQ(server->counts().refused, 4U);
    const auto accepted = server->counts().accepted;
    for (int i = 0; i < 50; ++i) step();
    EXPECT_EQ(server->counts().accepted, accepted) << "it does not try again by itself";
    EXPECT_EQ(server->counts().viewers, 0U);
    EXPECT_EQ(server->counts().moments, 0U);
}

TEST_F(Strangers, whoever_asks_before_it_has_said_the_token_is_cut_off) {
    serve();
    Stranger stranger = come();
    stranger.say([](Bytes& out) { write_next(out); });
    EXPECT_TRUE(is_cut_off(stranger));
    EXPECT_EQ(server->counts().cut_off, 1U);
    EXPECT_EQ(server->counts().bytes_sent, 0U);
}

TEST_F(Strangers, whoever_speaks_something_else_is_cut_off) {
    serve();
    Stranger browser = come();
    const std::string_view get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    browser.say_bytes(Bytes(get.begin(), get.end()));
    EXPECT_TRUE(is_cut_off(browser));
}

TEST_F(Strangers, whoever_says_nothing_is_cut_off_after_a_while) {
    auto options = server_options();
    options.hello_within = 30ms;
    serve(options);
    Stranger silent = come();
    Stranger slow = come();
    Bytes hello;
    write_hello(hello, token);
    for (std::size_t i = 0; !slow.cut_off() && i < hello.size() - 1; ++i) { // a byte now and then
        slow.say_bytes({hello[i]});
        for (int turn = 0; turn < 5; ++turn) step();
    }
    EXPECT_TRUE(is_cut_off(silent));
    EXPECT_TRUE(is_cut_off(slow));
    EXPECT_EQ(server->counts().cut_off, 2U);
    EXPECT_EQ(program.next_deadline(), never) << "and nothing is left behind";
}

TEST_F(Strangers, another_version_is_refused_whatever_the_token) {
    serve();
    Stranger old = come();
    old.say([](Bytes& out) {
        write_hello(out, token);
        out[5 + 1 + 16] = 99;
    });
    EXPECT_EQ(answer(old), Message::refused);
    Refused refused;
    ASSERT_TRUE(read_refused(old.bytes(), refused));
    EXPECT_TRUE(refused.for_good);
    EXPECT_THAT(refused.why.c_str(), HasSubstr("version"));
}

TEST_F(Strangers, the_fifth_viewer_is_refused_and_the_four_stay) {
    serve();
    std::vector<Stranger> four;
    for (int i = 0; i < 4; ++i) four.push_back(come_in());
    source = view();
    ASSERT_TRUE(run_until([&] { return source->state() == RemoteSource::State::lost; }));
    EXPECT_THAT(source->state_text().c_str(), HasSubstr("too many"));
    EXPECT_EQ(server->counts().viewers, 4U);
    four.pop_back();
    EXPECT_TRUE(run_until([&] { return source->state() == RemoteSource::State::connected; }))
        << "it tried again";
}

TEST_F(Strangers, a_viewer_that_never_reads_is_kept_one_moment_and_not_more) {
    for (int i = 0; i < 5000; ++i)
        program.call_later(
            1h, [] {}, "expiry");
    serve();
    Stranger viewer = come_in();
    std::size_t most = 0;
    std::uint64_t moments = 0;
    for (int i = 0; i < 2000; ++i) {
        viewer.say([](Bytes& out) { write_next(out); });
        program.run_once(10us);
        most = std::max(most, server->counts().unsent);
        if (i % 500 == 499) {
            if (i > 1000) {
                EXPECT_EQ(server->counts().moments, moments) << "no more are made";
            }
            moments = server->counts().moments;
        }
    }
    EXPECT_GT(most, 0U) << "else this has shown nothing";
    EXPECT_LE(most, (std::size_t{1} << 20U) + 100'000);
    EXPECT_GT(viewer.unsent(), 0U) << "and nothing more is read from it";
}

TEST_F(Strangers, a_moment_goes_out_in_pieces_over_several_turns) {
    for (int i = 0; i < 20'000; ++i)
        program.call_later(
            1h, [] {}, "expiry");
    serve();
    Stranger viewer = come_in();
    viewer.say([](Bytes& out) { write_next(out); });
    ASSERT_TRUE(run_until([&] { return server->counts().moments == 1; }));
    std::uint64_t before = server->counts().bytes_sent;
    int turns = 0;
    while (server->counts().unsent > 0 && turns < 10'000) {
        program.run_once(1ms);
        const std::uint64_t sent = server->counts().bytes_sent;
        EXPECT_LE(sent - before, 65'536U);
        before = sent;
        viewer.answer();
        ++turns;
    }
    EXPECT_GT(turns, 2);
    EXPECT_EQ(server->counts().unsent, 0U);
}

TEST_F(Strangers, a_viewer_that_takes_nothing_for_too_long_is_cut_off) {
    for (int i = 0; i < 20'000; ++i)
        program.call_later(
            1h, [] {}, "expiry");
    auto options = server_options();
    options.stalled_after = 30ms;
    serve(options);
    Stranger viewer = come_in();
    EXPECT_TRUE(run_until([&] {
        viewer.say([](Bytes& out) { write_next(out); });
        return server->counts().cut_off == 1;
    }));
    EXPECT_EQ(server->counts().unsent, 0U);
}

TEST_F(Strangers, a_viewer_that_goes_away_in_the_middle_of_a_moment_leaves_nothing_behind) {
    for (int i = 0; i < 20'000; ++i)
        program.call_later(
            1h, [] {}, "expiry");
    serve();
    {
        Stranger viewer = come_in();
        viewer.say([](Bytes& out) { write_next(out); });
        ASSERT_TRUE(run_until([&] { return server->counts().unsent > 0; }));
    }
    ASSERT_TRUE(run_until([&] { return server->counts().viewers == 0; }));
    EXPECT_EQ(server->counts().unsent, 0U);
    EXPECT_TRUE(attach()) << "and others are served";
}

TEST_F(Strangers, whoever_asks_without_end_is_cut_off) {
    serve();
    Stranger viewer = come_in();
    viewer.say([](Bytes& out) {
        const std::vector<std::uint64_t> ids(most_described, 1);
        for (int i = 0; i < 200; ++i) write_describe(out, ids);
    });
    EXPECT_TRUE(is_cut_off(viewer));
    EXPECT_TRUE(attach()) << "and others are served";
}

TEST_F(Strangers, a_frame_that_claims_to_be_long_is_not_waited_for) {
    serve();
    Stranger viewer = come_in();
    viewer.say_bytes({0xFF, 0xFF, 0xFF, 0x7F, 1});
    EXPECT_TRUE(is_cut_off(viewer));
}

TEST_F(Strangers, what_only_a_server_says_is_not_taken_from_a_viewer) {
    serve(commanded());
    for (int message = 0; message < 256; ++message) {
        if (message == static_cast<int>(Message::next)) continue;
        Stranger viewer = come_in();
        viewer.say_bytes({1, 0, 0, 0, static_cast<std::uint8_t>(message)});
        ASSERT_TRUE(is_cut_off(viewer)) << message;
    }
}

TEST_F(Strangers, a_command_is_refused_by_the_program_too_whatever_the_viewer_makes_of_its_welcome) {
    const Timeout autosave = program.call_later(
        1h, [] {}, "autosave");
    serve();
    Stranger viewer = come_in();
    NumberedCommand cancel;
    cancel.number = 7;
    cancel.command.kind = Command::Kind::cancel;
    cancel.command.timeout = autosave;
    viewer.say([&](Bytes& out) { write_command(out, cancel); });
    EXPECT_EQ(answer(viewer), Message::outcome);
    NumberedOutcome outcome;
    ASSERT_TRUE(read_outcome(viewer.bytes(), outcome));
    EXPECT_EQ(outcome.number, 7U);
    EXPECT_THAT(outcome.sentence.c_str(), HasSubstr("refused"));
    EXPECT_NE(program.deadline_of(autosave), never);
    EXPECT_EQ(server->counts().commands, 0U);
}

TEST_F(Strangers, options_that_let_nobody_in_are_refused) {
    auto nobody = server_options();
    nobody.most_viewers = 0;
    EXPECT_THROW(serve(nobody), std::invalid_argument);
    auto never_sends = server_options();
    never_sends.most_per_second = 0;
    EXPECT_THROW(serve(never_sends), std::invalid_argument);
}

TEST_F(Strangers, noise_does_no_harm) {
    serve(commanded());
    program.call_later(
        1h, [] {}, "autosave");
    std::mt19937 engine(7);
    for (int round = 0; round < 300; ++round) {
        Stranger stranger = come();
        if (round % 2 == 0) stranger.say([](Bytes& out) { write_hello(out, token); });
        Bytes noise(engine() % 300);
        for (auto& byte : noise) byte = static_cast<std::uint8_t>(engine() % (round % 3 == 0 ? 256 : 10));
        stranger.say_bytes(noise);
        for (int i = 0; i < 3; ++i) program.run_once();
    }
    ASSERT_TRUE(run_until([&] { return server->counts().viewers == 0 || program.paused(); }));
    EXPECT_TRUE(attach());
}

/// A server that is none, for viewers.
TEST_F(Strangers, a_viewer_survives_a_server_that_says_anything) {
    std::error_code error;
    Socket listener = Socket::listen(SocketAddress::loopback(0), {}, error);
    ASSERT_FALSE(error);
    RemoteSource::Options options;
    options.address = listener.local().to_string();
    options.token = token;
    options.retry_after = 1ms;
    source = std::make_unique<RemoteSource>(viewers, options);
    pumping = false;
    std::mt19937 engine(8);
    for (int round = 0; round < 200; ++round) {
        Socket peer;
        ASSERT_TRUE(run_until([&] {
            peer = listener.accept(error);
            return static_cast<bool>(peer);
        }));
        MessageLink link(std::move(peer), longest_request);
        if (round % 2 == 0) write_welcome(link.out(), {wire_version, true, "liar"});
        for (auto size = engine() % 400; size-- > 0;)
            link.out().push_back(static_cast<std::uint8_t>(engine() % (round % 3 == 0 ? 256 : 9)));
        link.send(SIZE_MAX);
        for (int i = 0; i < 3; ++i) step();
    }
    EXPECT_EQ(source->moments(), 0U);
}

// ---- unix sockets -------------------------------------------------------------------------------

#if defined(_WIN32)
TEST_F(Strangers, a_unix_socket_is_refused_with_a_clear_error) {
    EXPECT_THROW(serve(server_options("unix:x.sock")), std::system_error);
}
#else

TEST_F(Strangers, without_descriptors_it_does_not_spin_and_who_waits_is_let_in_when_there_are_some) {
    serve();
    ASSERT_TRUE(attach()); // makes every kind of call once
    source.reset();
    ASSERT_TRUE(run_until([&] { return server->counts().viewers == 0; }));
    Stranger waits = come();
    {
        const NoDescriptors none(0);
        const auto begin = steady_clock().now();
        int turns = 0;
        while (steady_clock().now() - begin < 100ms) {
            program.run_once(20ms);
            ++turns;
        }
        EXPECT_LT(turns, 50) << "it spins over a connection that it can not take";
        EXPECT_EQ(server->counts().viewers, 0U);
    }
    waits.say([](Bytes& out) { write_hello(out, token); });
    EXPECT_EQ(answer(waits), Message::welcome);
}

struct UnixSockets : Strangers {
    UnixSockets() {
        std::string pattern = (std::filesystem::temp_directory_path() / "ioloop-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        path = folder / "inspector.sock";
        address = "unix:" + path.string();
    }
    ~UnixSockets() override {
        server.reset();
        std::filesystem::remove_all(folder);
    }

    std::filesystem::path folder;
    std::filesystem::path path;
    std::string address;
};

TEST_F(UnixSockets, one_is_for_the_user_alone_and_gone_with_the_server) {
    serve(server_options(address));
    EXPECT_EQ(server->address(), address);
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_TRUE(attach());
    server.reset();
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixSockets, that_of_a_program_that_is_dead_is_replaced) {
    {
        SocketAddress at = SocketAddress::parse(address);
        std::error_code error;
        const Socket left_behind = Socket::listen(at, {}, error);
        ASSERT_FALSE(error);
    }
    ASSERT_TRUE(std::filesystem::exists(path));
    serve(server_options(address));
    EXPECT_TRUE(attach());
}

TEST_F(UnixSockets, that_of_a_program_that_lives_is_left_alone) {
    serve(server_options(address));
    EXPECT_THROW(InspectorServer(program, server_options(address)), std::system_error);
    EXPECT_TRUE(attach());
}

TEST_F(UnixSockets, a_file_that_is_no_socket_is_left_alone) {
    std::fclose(std::fopen(path.c_str(), "w"));
    EXPECT_THROW(serve(server_options(address)), std::system_error);
    EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

TEST_F(UnixSockets, a_file_that_has_taken_its_place_is_left_alone) {
    serve(server_options(address));
    std::filesystem::remove(path);
    std::fclose(std::fopen(path.c_str(), "w"));
    server.reset();
    EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(UnixSockets, a_path_that_is_too_long_is_an_error) {
    EXPECT_THROW(serve(server_options("unix:/tmp/" + std::string(200, 'x'))), std::invalid_argument);
}

TEST_F(UnixSockets, no_child_of_the_program_inherits_what_the_server_opens) {
    const auto before = os::open_descriptors();
    serve(server_options(address));
    ASSERT_TRUE(attach());
    for (const Fd fd : os::open_descriptors()) {
        if (before.count(fd) > 0 || !os::is_open(fd)) continue;
        EXPECT_FALSE(os::inheritable(fd)) << fd;
    }
}

#endif

} // namespace
