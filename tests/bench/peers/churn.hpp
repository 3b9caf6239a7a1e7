// SPDX-License-Identifier: MIT
/// Scenarios in which it changes what is watched, and for what.
#pragma once

#include "case.hpp"
#include "descriptors.hpp"
#include "subject.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench::peers {

/// How often the others do it before a turn tidies up.
constexpr std::size_t changes_a_turn = 64;

/// Adds a descriptor and removes it again, without an event between.
template <class S> class AddRemove final : public Case {
public:
    AddRemove() : ios_(changes_a_turn) {}

    Done run(std::uint64_t operations) override {
        for (std::uint64_t done = 0; done < operations;) {
            for (std::size_t k = 0; k < changes_a_turn && done < operations; ++k, ++done) {
                loop_.template add_io<&count>(ios_[k], pair_.b, readable, this);
                loop_.remove_io(ios_[k]);
            }
            loop_.step();
        }
        expect(calls_, 0, "calls for what was removed");
        // Is it still watched if it is left alone?
        send_byte(pair_.a);
        loop_.template add_io<&count>(ios_[0], pair_.b, readable, this);
        loop_.step();
        if (calls_ == 0) loop_.step();
        loop_.remove_io(ios_[0]);
        expect(calls_ != 0 ? 1 : 0, 1, "turns in which what was added was seen");
        calls_ = 0;
        loop_.step();
        expect(calls_, 0, "calls for what was removed");
        char byte;
        (void)!::read(pair_.b, &byte, 1); // some have taken it themselves
        return {.operations = operations};
    }

private:
    static void count(void* self) { ++static_cast<AddRemove*>(self)->calls_; }

    S loop_;
    Pair pair_;
    std::vector<typename S::Io> ios_;
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop_};
};

/// Asks for writability too, and no more: within one turn, or with a turn in which it is seen.
template <class S, bool seen> class Toggle final : public Case {
public:
    Toggle() {
        loop_.template add_io<&count>(io_, pair_.b, readable, this);
        loop_.step();
    }
    ~Toggle() override { loop_.remove_io(io_); }

    Done run(std::uint64_t operations) override {
        calls_ = 0;
        for (std::uint64_t done = 0; done < operations;) {
            for (std::size_t k = 0; k < changes_a_turn && done < operations; ++k, ++done) {
                loop_.template update_io<&count>(io_, readable | writable);
                if constexpr (seen) loop_.step();
                loop_.template update_io<&count>(io_, readable);
                if constexpr (seen) loop_.step();
            }
            if constexpr (!seen) loop_.step();
        }
        expect(calls_, seen ? operations : 0, "turns in which it was writable");
        return {.operations = operations};
    }

private:
    static void count(void* self) { ++static_cast<Toggle*>(self)->calls_; }

    S loop_;
    Pair pair_;
    typename S::Io io_{};
    std::uint64_t calls_ = 0;
    CloseAll<S> closing_{loop_};
};

/// A short connection: made, watched, one byte received, closed.
template <class S> class Connection final : public Case {
public:
    Connection() : connections_(changes_a_turn) {
        for (One& one : connections_) one.all = this;
    }

    Done run(std::uint64_t operations) override {
        received_ = 0;
        for (std::uint64_t done = 0; done < operations; ++done) {
            One& one = connections_[done % changes_a_turn];
            Pair pair;
            one.fd = pair.b;
            loop_.template add_io<&take>(one.io, pair.b, readable, &one);
            send_byte(pair.a);
            do loop_.step();
            while (received_ <= done);
            close_io(loop_, one.io, pair.b);
            pair.b = -1;
        }
        loop_.step(); // the next run begins with the first Io again
        expect(received_, operations, "bytes");
        return {.operations = operations};
    }

private:
    struct One {
        typename S::Io io;
        int fd = -1;
        Connection* all = nullptr;
    };

    static void take(void* argument) {
        One& one = *static_cast<One*>(argument);
        if (receive(one.all->loop_, one.io, one.fd)) ++one.all->received_;
    }

    S loop_;
    std::vector<One> connections_;
    std::uint64_t received_ = 0;
    CloseAll<S> closing_{loop_};
};

} // namespace bench::peers
