// SPDX-License-Identifier: MIT
// A Moment as bytes: what comes out is what went in; and whatever goes in, nothing worse than "no" comes out.
#include "inspect/moment_codec.hpp"

#include "inspect/message.hpp"
#include "inspect/site_names.hpp"
#include "support/sanitizers.hpp"

#include <cstring>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t unlimited_size = SIZE_MAX;
constexpr Duration longest(INT64_MAX / 4); ///< that something can be said to have taken

/// Moments of every shape, the same ones in every run.
class Dice {
public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}

    std::uint64_t number() { return engine_() >> (engine_() % 64); }
    std::uint64_t below(std::uint64_t end) { return engine_() % end; }
    bool flag() { return below(2) == 1; }
    template <class T> T as() { return static_cast<T>(number()); }
    Duration duration() { return flag() ? Duration(below(1'000'000'000)) : below(9) == 0 ? longest : 0ns; }
    TimePoint time() {
        return below(9) == 0 ? TimePoint(longest) : TimePoint(1000s + Duration(below(100'000'000'000)) - 50s);
    }
    Duration delay() { return below(9) == 0 ? forever : duration(); }
    TimePoint deadline() { return below(9) == 0 ? never : time(); }
    Events events() {
        return std::array{Events::none, Events::read, Events::write, Events::read | Events::error}[below(4)];
    }
    CallKind kind() { return static_cast<CallKind>(below(3)); }
    Fd fd() { return static_cast<Fd>(below(1000)) - 1; }
    SiteId site() {
        static const std::array sites{
            SiteId::none,
            site_of("an arrow \"->\" and a backslash \\"),
            site_of("Straße, 東京, \xF0\x9F\x8E\xAE"),
            site_of("a line\nand a tab\t"),
            site_of(Origin::here()),
            site_of("not UTF-8: \xFF\xFE"),
        };
        return sites[below(sites.size())];
    }
    Chain chain() {
        Chain chain;
        for (std::size_t i = below(5); i-- > 0;) chain.sites[i] = site();
        return chain;
    }
    CallRecord call() {
        CallRecord r;
        r.turn = number();
        r.id = number();
        r.chain = chain();
        r.begin = time();
        r.took = duration();
        r.late = duration();
        r.kind = kind();
        r.events = events();
        r.fd = fd();
        r.threw = flag();
        r.depth = as<std::uint8_t>();
        return r;
    }
    TurnRecord turn(std::uint64_t number_of_turn) {
        TurnRecord r;
        r.turn = number_of_turn;
        r.begin = time();
        r.end = time();
        r.waited = duration();
        r.handlers_took = duration();
        r.handlers = as<std::uint32_t>();
        r.pieces = as<std::uint32_t>();
        r.reason = static_cast<WakeReason>(below(6));
        r.asked = delay();
        r.cause = chain();
        r.cause_fd = fd();
        return r;
    }
    ChangeRecord change() {
        ChangeRecord r;
        r.turn = number();
        r.id = number();
        r.chain = chain();
        r.by = site();
        r.at = time();
        r.deadline = deadline();
        r.kind = kind();
        r.change = static_cast<ChangeKind>(below(4));
        r.events = events();
        r.fd = fd();
        return r;
    }
    ErrorRecord error() {
        ErrorRecord r;
        r.call = call();
        std::strcpy(r.what.data(), "it \"failed\": ölig");
        return r;
    }
    Histogram histogram() {
        Histogram h;
        for (std::uint64_t i = below(20); i-- > 0;) h.add(Duration(number() >> 8U));
        return h;
    }
    Breakpoint breakpoint() {
        Breakpoint b;
        b.on = static_cast<Breakpoint::On>(below(5));
        b.kind = kind();
        b.id = number();
        b.site = site();
        b.longer_than = delay();
        return b;
    }
    Finding finding() {
        Finding f;
        f.lint = static_cast<Lint>(below(lint_count));
        f.severity = static_cast<Severity>(below(4));
        f.kind = kind();
        f.id = number();
        f.fd = fd();
        f.chain = chain();
        f.since = time();
        f.last = time();
        f.count = number();
        f.active = flag();
        f.muted = flag();
        f.sentence = Text("'Straße' was called ").add(number()).add(" times");
        return f;
    }
    SiteProfile profile() {
        SiteProfile p;
        p.site = site();
        p.kind = kind();
        p.calls = number();
        p.busy = duration();
        p.took = histogram();
        p.late = histogram();
        p.last_turn = number();
        p.self_streak = as<std::uint32_t>();
        return p;
    }
    HandlerInfo handler() {
        HandlerInfo info;
        info.id = number();
        info.fd = fd();
        info.chain = chain();
        info.origin = info.chain.origin();
        info.interest = events();
        info.calls = number();
        info.streak = as<std::uint32_t>();
        info.running = flag();
        info.adrift = flag();
        info.scope = number();
        if (flag()) info.flow = Flow{number(), number(), number(), number(), number(), number(), number()};
        return info;
    }
    TimeoutInfo timeout() {
        TimeoutInfo info;
        info.id = {as<std::uint32_t>(), as<std::uint32_t>()};
        info.chain = chain();
        info.deadline = deadline();
        info.period = delay();
        info.fires = number();
        info.due = flag();
        info.scope = number();
        return info;
    }
    CallbackInfo callback() {
        CallbackInfo info;
        info.id = number();
        info.chain = chain();
        info.posted_at = time();
        info.from_thread = flag();
        info.scope = number();
        return info;
    }
    ScopeInfo scope() {
        ScopeInfo info;
        info.id = number();
        std::strcpy(info.name.data(), "level \"3\", Straße");
        info.chain = chain();
        info.since = time();
        info.size = number();
        return info;
    }
    TaskInfo task() {
        TaskInfo info;
        info.id = number();
        info.chain = chain();
        info.since = time();
        info.state = static_cast<TaskInfo::State>(below(3));
        return info;
    }
    WaitInfo wait() {
        WaitInfo info;
        info.task = number();
        info.id = number();
        info.at = chain();
        info.of = site();
        info.since = time();
        info.what = static_cast<WaitFor>(below(6));
        return info;
    }
    Moment moment() {
        Moment m;
        const auto some = [&](auto make) {
            std::vector<decltype(make())> list;
            for (std::uint64_t i = below(12); i-- > 0;) list.push_back(make());
            return list;
        };
        Snapshot& s = m.snapshot;
        s.handlers = some([&] { return handler(); });
        s.timeouts = some([&] { return timeout(); });
        s.callbacks = some([&] { return callback(); });
        s.scopes = some([&] { return scope(); });
        s.tasks = some([&] { return task(); });
        s.waits = some([&] { return wait(); });
        s.statistics.turns = number();
        s.statistics.foreign_member = flag() ? "add_handler" : nullptr;
        s.statistics.foreign_site = site();
        s.statistics.busy = duration();
        s.statistics.depth_peak = as<std::uint32_t>();
        s.time = time();
        s.turn = number();
        s.paused = flag();
        s.name = "the \"loop\"";
        s.poller = "epoll";
        s.kernel_handle = fd();
        if (flag()) {
            for (std::size_t i = 0; i < s.handlers.size(); ++i)
                m.truth.push_back(static_cast<KernelTruth>(below(6)));
        }
        m.calls = some([&] { return call(); });
        std::uint64_t turn_number = 0;
        m.turns = some([&] { return turn(++turn_number); });
        m.changes = some([&] { return change(); });
        m.errors = some([&] { return error(); });
        m.calls_seen = m.calls.size() + below(100);
        m.turns_seen = m.turns.size() + below(100);
        m.changes_seen = m.changes.size() + below(100);
        m.errors_seen = m.errors.size();
        m.profiles = some([&] { return profile(); });
        m.health.calls = histogram();
        m.health.frames = histogram();
        m.findings = some([&] { return finding(); });
        m.breakpoints = some([&] { return breakpoint(); });
        m.hit = {number(), breakpoint(), call()};
        m.triggered_by = call();
        m.triggered = flag();
        m.recording = flag();
        m.closed = flag();
        return m;
    }

private:
    std::mt19937_64 engine_;
};

Bytes encoded(const Moment& moment, std::size_t most = unlimited_size) {
    Bytes bytes;
    MomentEncoder().encode(moment, MomentFrame{}, most, bytes);
    return bytes;
}

TEST(MomentCodec, what_is_decoded_and_encoded_again_is_the_same_for_moments_of_every_shape) {
    for (std::uint32_t seed = 0; seed < 500; ++seed) {
        const Bytes bytes = encoded(Dice(seed).moment());
        Moment moment;
        MomentFrame frame;
        ASSERT_TRUE(MomentDecoder().decode(bytes, moment, frame)) << seed;
        ASSERT_EQ(encoded(moment), bytes) << seed;
    }
}

TEST(MomentCodec, what_is_said_to_have_passed_is_so_long_at_most_that_sums_of_it_fit) {
    Moment there;
    TurnRecord turn;
    turn.turn = 1;
    turn.begin = never;
    turn.waited = turn.handlers_took = turn.callbacks_took = turn.asked = forever;
    there.turns = {turn};
    there.turns_seen = 1;
    TimeoutInfo timeout;
    timeout.deadline = never;
    there.snapshot.timeouts = {timeout};
    Moment here;
    MomentFrame frame;
    ASSERT_TRUE(MomentDecoder().decode(encoded(there), here, frame));
    ASSERT_EQ(here.turns.size(), 1U);
    ASSERT_EQ(here.snapshot.timeouts.size(), 1U);
    EXPECT_EQ(here.turns[0].begin, TimePoint(longest));
    EXPECT_EQ(here.turns[0].waited, longest);
    EXPECT_EQ(here.turns[0].handlers_took, longest);
    EXPECT_EQ(here.turns[0].callbacks_took, longest);
    EXPECT_EQ(here.turns[0].asked, forever);
    EXPECT_EQ(here.snapshot.timeouts[0].deadline, never);
}

TEST(MomentCodec, names_with_quotes_and_in_every_script_come_through_with_file_function_and_line) {
    Moment there;
    HandlerInfo info;
    const Origin origin = Origin("Straße \"東京\" \\").as_internal();
    info.chain = info.chain.then(site_of(origin));
    there.snapshot.handlers.push_back(info);
    there.snapshot.name = "loop \"ß\"";
    Moment here;
    MomentFrame frame;
    ASSERT_TRUE(MomentDecoder().decode(encoded(there), here, frame));
    const Origin& came = here.snapshot.handlers.at(0).origin;
    EXPECT_STREQ(came.name, "Straße \"東京\" \\");
    EXPECT_STREQ(came.file, origin.file);
    EXPECT_STREQ(came.function, origin.function);
    EXPECT_EQ(came.line, origin.line);
    EXPECT_TRUE(came.internal);
    EXPECT_EQ(here.snapshot.name, "loop \"ß\"");
    EXPECT_EQ(here.snapshot.handlers[0].chain.site(), site_of(came));
}

TEST(MomentCodec, what_the_owners_of_descriptors_count_comes_through) {
    Moment there;
    there.snapshot.handlers.resize(2);
    there.snapshot.handlers[1].flow = Flow{1, 2, 3, 4, 5, 6, 7};
    Moment here;
    MomentFrame frame;
    ASSERT_TRUE(MomentDecoder().decode(encoded(there), here, frame));
    EXPECT_FALSE(here.snapshot.handlers.at(0).flow);
    EXPECT_EQ(here.snapshot.handlers.at(1).flow, (Flow{1, 2, 3, 4, 5, 6, 7}));
}

TEST(MomentCodec, scopes_tasks_and_what_they_wait_for_come_through) {
    Dice dice(4);
    Moment there;
    Snapshot& said = there.snapshot;
    said.time = TimePoint(1000s);
    HandlerInfo handler = dice.handler();
    handler.scope = 7;
    said.handlers.push_back(handler);
    said.scopes.push_back(dice.scope());
    said.tasks.push_back(dice.task());
    WaitInfo wait = dice.wait();
    wait.what = WaitFor::job;
    wait.of = site_of("decode");
    said.waits.push_back(wait);
    Moment here;
    MomentFrame frame;
    ASSERT_TRUE(MomentDecoder().decode(encoded(there), here, frame));
    const Snapshot& came = here.snapshot;
    EXPECT_EQ(came.handlers.at(0).scope, 7U);
    EXPECT_STREQ(came.scopes.at(0).name.data(), said.scopes[0].name.data());
    EXPECT_EQ(came.scopes[0].id, said.scopes[0].id);
    EXPECT_EQ(came.scopes[0].size, said.scopes[0].size);
    EXPECT_EQ(came.tasks.at(0).id, said.tasks[0].id);
    EXPECT_EQ(came.tasks[0].state, said.tasks[0].state);
    EXPECT_EQ(came.waits.at(0).task, wait.task);
    EXPECT_EQ(came.waits[0].id, wait.id);
    EXPECT_EQ(came.waits[0].what, WaitFor::job);
    EXPECT_STREQ(origin_of(came.waits[0].of).name, "decode");
}

TEST(MomentCodec, a_call_site_is_sent_once_and_a_call_too) {
    Dice dice(1);
    Moment moment;
    MomentEncoder encoder;
    MomentDecoder decoder;
    Moment here;
    MomentFrame frame;
    const auto pass = [&] {
        Bytes bytes;
        encoder.encode(moment, MomentFrame{}, unlimited_size, bytes);
        EXPECT_TRUE(decoder.decode(bytes, here, frame));
        return bytes.size();
    };
    for (int i = 0; i < 10; ++i) {
        CallRecord call = dice.call();
        call.chain = call.chain.then(site_of("called"));
        moment.calls.push_back(call);
        TurnRecord turn = dice.turn(static_cast<std::uint64_t>(i) * 7 + 1); // the others were not kept
        moment.turns.push_back(turn);
    }
    moment.calls_seen = 10;
    moment.turns_seen = 100;
    const std::size_t first = pass();
    const std::size_t second = pass();
    EXPECT_LT(second + 200, first);
    EXPECT_EQ(here.calls.size(), 10U);
    EXPECT_EQ(here.turns.size(), 10U);

    moment.calls.push_back(dice.call());
    moment.calls_seen = 11;
    moment.turns.push_back(dice.turn(900));
    moment.turns_seen = 1000;
    pass();
    EXPECT_EQ(here.calls.size(), 11U);
    EXPECT_EQ(here.turns.size(), 11U);
    EXPECT_EQ(here.calls.back().id, moment.calls.back().id);
}

TEST(MomentCodec, what_was_cleared_is_cleared_on_the_other_side) {
    Dice dice(2);
    Moment moment;
    moment.calls.push_back(dice.call());
    moment.calls.push_back(dice.call());
    moment.calls_seen = 2;
    MomentEncoder encoder;
    MomentDecoder decoder;
    Moment here;
    MomentFrame frame;
    Bytes bytes;
    encoder.encode(moment, MomentFrame{}, unlimited_size, bytes);
    ASSERT_TRUE(decoder.decode(bytes, here, frame));
    moment.calls.erase(moment.calls.begin());
    moment.calls_seen = 1;
    bytes.clear();
    encoder.encode(moment, MomentFrame{}, unlimited_size, bytes);
    ASSERT_TRUE(decoder.decode(bytes, here, frame));
    EXPECT_EQ(here.calls.size(), 1U);
}

TEST(MomentCodec, the_other_side_keeps_no_more_than_it_was_told_to) {
    Dice dice(3);
    Moment moment;
    MomentEncoder encoder;
    MomentDecoder decoder(8, 4);
    Moment here;
    MomentFrame frame;
    for (std::uint64_t i = 1; i <= 50; ++i) {
        moment.calls = {dice.call()};
        moment.calls_seen = i;
        moment.turns = {dice.turn(i)};
        moment.turns_seen = i;
        Bytes bytes;
        encoder.encode(moment, MomentFrame{}, unlimited_size, bytes);
        ASSERT_TRUE(decoder.decode(bytes, here, frame));
    }
    EXPECT_EQ(here.calls.size(), 8U);
    EXPECT_EQ(here.turns.size(), 4U);
    EXPECT_EQ(here.turns.back().turn, 50U);
}

TEST(MomentCodec, of_ten_thousand_objects_those_come_that_fit_and_the_rest_is_counted) {
    Dice dice(4);
    Moment moment;
    for (int i = 0; i < 10'000; ++i) {
        moment.snapshot.handlers.push_back(dice.handler());
        moment.truth.push_back(KernelTruth::in_step);
        moment.snapshot.timeouts.push_back(dice.timeout());
    }
    constexpr std::size_t most = 100'000;
    const Bytes bytes = encoded(moment, most);
    EXPECT_LT(bytes.size(), most + 1000);
    MomentDecoder decoder;
    Moment here;
    MomentFrame frame;
    ASSERT_TRUE(decoder.decode(bytes, here, frame));
    const std::size_t came = here.snapshot.handlers.size() + here.snapshot.timeouts.size();
    EXPECT_GT(here.snapshot.handlers.size(), 500U);
    EXPECT_GT(here.snapshot.timeouts.size(), 500U) << "each list has its share";
    EXPECT_EQ(here.truth.size(), here.snapshot.handlers.size());
    EXPECT_EQ(came + decoder.left_out(), 20'000U);
}

// ---- what no encoder has written ----------------------------------------------------------------

/// Everything that reads bytes from the other side.
void read_all(std::span<const std::uint8_t> bytes) {
    Moment moment;
    MomentFrame frame;
    MomentDecoder().decode(bytes, moment, frame);
    Hello hello;
    read_hello(bytes, hello);
    Welcome welcome;
    read_welcome(bytes, welcome);
    Refused refused;
    read_refused(bytes, refused);
    std::vector<std::uint64_t> handlers;
    read_describe(bytes, handlers);
    std::vector<Described> descriptors;
    read_descriptors(bytes, descriptors);
    NumberedCommand command;
    read_command(bytes, command);
    NumberedOutcome outcome;
    read_outcome(bytes, outcome);
}

TEST(MomentCodec, no_bytes_do_harm_however_they_come_about) {
    std::mt19937_64 engine(5);
    std::vector<Bytes> valid;
    for (std::uint32_t seed = 0; seed < 20; ++seed) valid.push_back(encoded(Dice(seed).moment()));
    const auto message = [&](auto write) {
        Bytes frame;
        write(frame);
        valid.emplace_back(frame.begin() + 5, frame.end());
    };
    message([](Bytes& out) { write_hello(out, "a token"); });
    message([](Bytes& out) { write_welcome(out, {wire_version, true, "loop"}); });
    message([](Bytes& out) { write_refused(out, {true, "no"}); });
    message([](Bytes& out) { write_describe(out, std::array<std::uint64_t, 3>{1, 2, 3}); });
    message([](Bytes& out) { write_descriptors(out, std::array{Described{7, Descriptor{}}}); });
    message([](Bytes& out) { write_command(out, {}); });
    message([](Bytes& out) { write_outcome(out, {3, "done"}); });

    constexpr int rounds = UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER ? 20'000 : 100'000;
    for (int round = 0; round < rounds; ++round) {
        Bytes bytes;
        switch (round % 3) {
        case 0: // noise
            bytes.resize(engine() % 200);
            for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine() >> (engine() % 8));
            break;
        case 1: // a beginning
            bytes = valid[engine() % valid.size()];
            bytes.resize(engine() % bytes.size());
            break;
        default: // the real thing, with some bits turned
            bytes = valid[engine() % valid.size()];
            for (auto flips = engine() % 8 + 1; flips-- > 0;)
                bytes[engine() % bytes.size()] ^= static_cast<std::uint8_t>(1U << (engine() % 8));
        }
        read_all(bytes);
    }
}

TEST(MomentCodec, a_moment_that_is_cut_off_anywhere_is_none) {
    const Bytes bytes = encoded(Dice(6).moment());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Moment moment;
        MomentFrame frame;
        EXPECT_FALSE(MomentDecoder().decode(std::span(bytes).first(size), moment, frame)) << size;
    }
    Bytes more = bytes;
    more.push_back(0);
    Moment moment;
    MomentFrame frame;
    EXPECT_FALSE(MomentDecoder().decode(more, moment, frame)) << "and one with something after it";
}

TEST(MomentCodec, a_call_site_that_was_never_named_is_none) {
    Bytes bytes;
    WireWriter writer(bytes);
    writer.raw(4711);
    SiteNames names;
    WireReader reader(bytes, &names);
    SiteId site = site_of("something");
    reader.site(site);
    EXPECT_EQ(site, SiteId::none);
}

TEST(MomentCodec, a_token_of_another_version_is_not_looked_for) {
    Bytes frame;
    write_hello(frame, "token");
    frame[5 + 1 + 16] = 99; // the version, after length, kind and «ioloop inspector»
    Hello hello;
    ASSERT_TRUE(read_hello(std::span(frame).subspan(5), hello));
    EXPECT_EQ(hello.version, 99U);
    EXPECT_TRUE(hello.token.empty());
}

/// Last: it fills the pool of the process.
TEST(SiteNamesEnd, whoever_sends_names_without_end_fills_a_pool_and_no_more) {
    SiteNames names;
    const std::string padding(900, 'x');
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        const std::string name = padding + std::to_string(i);
        names.add(name, "file.cpp", "function", i);
    }
    EXPECT_LE(names.size(), most_kept_sites);
    EXPECT_EQ(keep_name("one more, when " + padding), "") << "bytes are counted";
    EXPECT_NE(names.site_of(1), SiteId::none);
    EXPECT_EQ(names.site_of(90'000), SiteId::none);
}

} // namespace
