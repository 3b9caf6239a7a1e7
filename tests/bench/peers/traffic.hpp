// SPDX-License-Identifier: MIT
/// Scenarios of descriptors with something to read: a chain, a game of ping-pong, a game's frame.
#pragma once

#include "case.hpp"
#include "descriptors.hpp"
#include "subject.hpp"
#include "turns.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench::peers {

/// `pairs` socket pairs; who reads a byte writes one to the next pair. `active` bytes are under way. An operation is a byte
/// passed on.
template <class S> class Chain final : public Case {
public:
    Chain(std::size_t pairs, std::size_t active) : links_(pairs) {
        for (std::size_t i = 0; i < pairs; ++i) {
            Link& link = links_[i];
            link.chain = this;
            link.next = links_[(i + 1) % pairs].pair.a;
            loop_.template add_io<&pass_on>(link.io, link.pair.b, readable, &link);
        }
        loop_.step();
        for (std::size_t i = 0; i < active; ++i) send_byte(links_[i * (pairs / active)].pair.a);
    }
    ~Chain() override {
        for (Link& link : links_) loop_.remove_io(link.io);
    }

    Done run(std::uint64_t operations) override {
        const std::uint64_t before = passed_;
        wanted_ = before + operations;
        while (passed_ < wanted_) loop_.step();
        expect(failed_, 0, "bytes that could not be passed on");
        return {.operations = passed_ - before};
    }

private:
    struct Link {
        typename S::Io io;
        Pair pair;
        int next = -1;
        Chain* chain = nullptr;
    };

    static void pass_on(void* argument) {
        Link& link = *static_cast<Link*>(argument);
        Chain& chain = *link.chain;
        if (!receive(chain.loop_, link.io, link.pair.b) || !send_byte(link.next)) ++chain.failed_;
        if (++chain.passed_ >= chain.wanted_) interrupt(chain.loop_);
    }

    S loop_;
    std::vector<Link> links_;
    std::uint64_t passed_ = 0;
    std::uint64_t wanted_ = 0;
    std::uint64_t failed_ = 0;
    CloseAll<S> closing_{loop_};
};

/// One byte there and back between the two ends of a pair, both in the loop. An operation is a round trip.
template <class S> class PingPong final : public Case {
public:
    PingPong() {
        for (std::size_t i = 0; i < 2; ++i) {
            ends_[i].fd = i == 0 ? pair_.a : pair_.b;
            ends_[i].game = this;
            loop_.template add_io<&hit>(ends_[i].io, ends_[i].fd, readable, &ends_[i]);
        }
        loop_.step();
        send_byte(pair_.a);
    }
    ~PingPong() override {
        for (End& end : ends_) loop_.remove_io(end.io);
    }

    Done run(std::uint64_t operations) override {
        const std::uint64_t before = hits_;
        wanted_ = before + 2 * operations;
        while (hits_ < wanted_) loop_.step();
        expect(failed_, 0, "bytes that got lost");
        return {.operations = (hits_ - before) / 2};
    }

private:
    struct End {
        typename S::Io io;
        int fd = -1;
        PingPong* game = nullptr;
    };

    static void hit(void* argument) {
        End& end = *static_cast<End*>(argument);
        PingPong& game = *end.game;
        if (!receive(game.loop_, end.io, end.fd) || !send_byte(end.fd)) ++game.failed_;
        if (++game.hits_ >= game.wanted_) interrupt(game.loop_);
    }

    S loop_;
    Pair pair_;
    std::array<End, 2> ends_{};
    std::uint64_t hits_ = 0;
    std::uint64_t wanted_ = 0;
    std::uint64_t failed_ = 0;
    CloseAll<S> closing_{loop_};
};

/// What a game does in a frame: messages come in on `active` of 100 connections, each of which moves the idle timeout of its
/// connection, and there are 8 posts. An operation is a frame.
template <class S> class GameFrame final : public Case {
public:
    explicit GameFrame(std::size_t active) : active_(active), connections_(100) {
        loop_.read_clock();
        for (Connection& connection : connections_) {
            connection.game = this;
            loop_.template add_io<&receive_message>(connection.io, connection.pair.b, readable, &connection);
            loop_.template arm<&expire>(connection.timer, std::chrono::minutes(1), this);
        }
        loop_.step();
    }
    ~GameFrame() override {
        for (Connection& connection : connections_) loop_.remove_io(connection.io);
    }

    Done run(std::uint64_t operations) override {
        messages_ = 0;
        posts_run_ = 0;
        for (std::uint64_t frame = 0; frame < operations; ++frame) {
            for (std::size_t i = 0; i < active_; ++i) {
                next_ = next_ + 1 == connections_.size() ? 0 : next_ + 1;
                send_byte(connections_[next_].pair.a);
            }
            for (std::size_t i = 0; i < posts; ++i) loop_.post(&run_post, this);
            // Some take one message a turn.
            do loop_.step();
            while (messages_ < (frame + 1) * active_);
        }
        expect(messages_, operations * active_, "messages");
        expect(posts_run_, operations * posts, "posts");
        expect(expired_, 0, "idle timeouts");
        return {.operations = operations};
    }

private:
    struct Connection {
        typename S::Io io;
        typename S::Timer timer{};
        Pair pair;
        GameFrame* game = nullptr;
    };
    static constexpr std::size_t posts = 8;

    static void receive_message(void* argument) {
        Connection& connection = *static_cast<Connection*>(argument);
        GameFrame& game = *connection.game;
        if (receive(game.loop_, connection.io, connection.pair.b)) ++game.messages_;
        game.loop_.take_time_of_turn();
        game.loop_.rearm(connection.timer, std::chrono::minutes(1));
    }
    static void run_post(void* self) { ++static_cast<GameFrame*>(self)->posts_run_; }
    static void expire(void* self) { ++static_cast<GameFrame*>(self)->expired_; }

    S loop_;
    std::size_t active_;
    std::vector<Connection> connections_;
    std::size_t next_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t posts_run_ = 0;
    std::uint64_t expired_ = 0;
    CloseAll<S> closing_{loop_};
};

} // namespace bench::peers
