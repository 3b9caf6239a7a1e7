// SPDX-License-Identifier: MIT
/// Objects that stand for descriptors; services; posters; suspending; forks.
#include "support/os.hpp"
#include "support/sim_world.hpp"
#include "support/socket_pair.hpp"
#include "support/thrown.hpp"

#include <ioloop/poster.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#if !defined(_WIN32)
#include <sys/wait.h>
#endif

using namespace ioloop;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

/// What a program wraps its descriptors in.
struct Socket {
    explicit Socket(Fd number) : fd(number) {}
    Socket(Socket&& other) noexcept : fd(std::exchange(other.fd, invalid_fd)), closes(other.closes) {}
    Socket& operator=(Socket&&) = delete;
    ~Socket() { close(); }
    Fd fileno() const { return fd; }
    void close() {
        if (fd == invalid_fd) return;
        if (closes != nullptr) ++*closes;
        os::close(std::exchange(fd, invalid_fd));
    }
    Fd fd;
    int* closes = nullptr;
};

struct Objects : testing::Test {
    SimWorld world;
    IOLoop loop{world.options()};
    SocketPair pair;
    int calls = 0;
};

} // namespace

TEST_F(Objects,
       H10_the_handler_is_called_with_the_object_that_was_added) { // test_handler_callback_file_object
    Socket socket(os::duplicate(pair.a));
    pair.send_to_a();
    loop.add_handler(
        socket,
        [&](Socket& s, Events events) {
            EXPECT_EQ(&s, &socket);
            EXPECT_EQ(events, Events::read);
            ++calls;
        },
        Events::read);
    loop.run_once();
    EXPECT_TRUE(loop.remove_handler(socket));
    loop.add_handler(
        socket,
        [&](Fd fd, Events) {
            EXPECT_EQ(fd, socket.fd);
            ++calls;
        },
        Events::read);
    loop.run_once();
    loop.remove_handler(socket.fd);
    auto shared = std::make_shared<Socket>(os::duplicate(pair.a));
    loop.add_handler(
        shared,
        [&](const std::shared_ptr<Socket>& s, Events) {
            EXPECT_EQ(s, shared);
            ++calls;
        },
        Events::read);
    loop.run_once();
    EXPECT_EQ(calls, 3);
    loop.update_handler(*shared, Events::write);
    loop.remove_handler(*shared);
    EXPECT_EQ(shared.use_count(), 1);
}

TEST_F(Objects, H10_a_handler_of_an_object_may_be_a_coroutine_and_none_is_refused) {
    Socket socket(os::duplicate(pair.a));
    pair.send_to_a();
    loop.add_handler(
        socket,
        [&](Socket& s, Events) -> Task<> {
            loop.remove_handler(s);
            co_await next_turn();
            ++calls;
        },
        Events::read);
    loop.run_ready();
    EXPECT_EQ(calls, 1);
    EXPECT_THROW(loop.add_handler(socket, static_cast<void (*)(Socket&, Events)>(nullptr), Events::read),
                 std::invalid_argument);
}

TEST_F(Objects, H10_a_null_object_is_refused_and_a_constant_one_is_not) {
    EXPECT_THROW(loop.add_handler(
                     std::shared_ptr<Socket>(), [](Socket&, Events) {}, Events::read),
                 std::system_error);
    const Socket socket(os::duplicate(pair.a));
    pair.send_to_a();
    loop.add_handler(
        socket, [&](const Socket&, Events) { ++calls; }, Events::read);
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(Objects, H10_an_object_and_its_number_are_the_same_registration) { // test_mixed_fd_fileobj
    Socket socket(os::duplicate(pair.a));
    loop.add_handler(
        socket, [](Fd, Events) {}, Events::read);
    EXPECT_THROW(loop.add_handler(
                     socket.fd, [](Fd, Events) {}, Events::read),
                 std::system_error);
    EXPECT_TRUE(loop.remove_handler(socket.fd));
}

TEST_F(Objects, H10_an_object_that_was_moved_in_lives_until_it_is_removed) {
    int closes = 0;
    Socket socket(os::duplicate(pair.a));
    socket.closes = &closes;
    const Fd fd = socket.fd;
    loop.add_handler(
        std::move(socket), [](Socket&, Events) {}, Events::read);
    EXPECT_TRUE(os::is_open(fd));
    loop.remove_handler(fd);
    EXPECT_FALSE(os::is_open(fd));
    EXPECT_EQ(closes, 1);
}

TEST_F(Objects, H10_a_handler_may_remove_the_object_that_it_is_called_with) {
    pair.send_to_a();
    loop.add_handler(
        std::make_shared<Socket>(os::duplicate(pair.a)),
        [&](Socket& s, Events) {
            loop.remove_handler(s);
            EXPECT_TRUE(os::is_open(s.fd)); // until the call returns
            ++calls;
        },
        Events::read);
    loop.run_once();
    EXPECT_EQ(calls, 1);
}

TEST_F(Objects, H10_an_object_that_was_moved_in_outlives_its_handler_s_call_even_if_that_destroys_the_loop) {
    auto mortal = std::make_unique<IOLoop>(world.options());
    IOLoop& reference = *mortal;
    int closes = 0;
    Socket socket(os::duplicate(pair.a));
    socket.closes = &closes;
    const Fd fd = socket.fd;
    pair.send_to_a();
    reference.add_handler(
        std::move(socket),
        [&](Socket& s, Events) {
            mortal.reset();
            EXPECT_EQ(closes, 0);
            EXPECT_TRUE(os::is_open(s.fd));
            ++calls;
        },
        Events::read);
    reference.run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(closes, 1);
    EXPECT_FALSE(os::is_open(fd));
}

TEST_F(Objects, H11_close_all_fds_calls_the_object_s_close) { // test_close_file_object
    struct Loud {
        Fd number;
        std::vector<std::string>* log;
        Fd fileno() const { return number; }
        void close() {
            log->push_back("close");
            os::close(number);
            throw std::runtime_error("ignored");
        }
    };
    std::vector<std::string> log;
    const Fd plain = os::duplicate(pair.a);
    const Fd loud = os::duplicate(pair.a);
    loop.add_handler(
        plain, [](Fd, Events) {}, Events::read);
    loop.add_handler(
        Loud{loud, &log}, [](Loud&, Events) {}, Events::read);
    loop.close(true);
    EXPECT_FALSE(os::is_open(plain));
    EXPECT_FALSE(os::is_open(loud));
    EXPECT_THAT(log, ElementsAre("close"));
}

TEST_F(Objects, H11_close_leaves_objects_alone_unless_asked) {
    Socket socket(os::duplicate(pair.a));
    loop.add_handler(
        socket, [](Fd, Events) {}, Events::read);
    loop.close();
    EXPECT_TRUE(os::is_open(socket.fd));
}

TEST_F(Objects, B34_an_object_s_close_may_remove_handlers) {
    struct Removes {
        Fd number;
        IOLoop* loop;
        Fd fileno() const { return number; }
        void close() {
            loop->remove_handler(number);
            os::close(number);
        }
    };
    for (int i = 0; i < 3; ++i)
        loop.add_handler(
            Removes{os::duplicate(pair.a), &loop}, [](Removes&, Events) {}, Events::read);
    loop.close(true);
}

TEST_F(Objects, a_service_is_made_once_and_destroyed_at_close_youngest_first) {
    static std::vector<std::string> log;
    log.clear();
    struct First : Service {
        explicit First(IOLoop&) { log.emplace_back("first"); }
        ~First() override { log.emplace_back("~first"); }
    };
    struct Second : Service {
        explicit Second(IOLoop& l) : loop(l) { loop.service<First>(); }
        ~Second() override {
            log.emplace_back("~second");
            EXPECT_NE(loop.existing_service<First>(), nullptr);
            EXPECT_EQ(loop.existing_service<Second>(), nullptr);
        }
        IOLoop& loop;
    };
    EXPECT_EQ(loop.existing_service<Second>(), nullptr);
    Second& second = loop.service<Second>();
    EXPECT_EQ(&second, &loop.service<Second>());
    loop.close();
    EXPECT_THAT(log, ElementsAre("first", "~second", "~first"));
    EXPECT_THROW(loop.service<First>(), std::logic_error);
}

TEST_F(Objects, a_poster_outlives_its_loop) {
    Poster nowhere;
    EXPECT_TRUE(nowhere.closed());
    EXPECT_FALSE(nowhere.add_callback([] {}));
    Poster poster;
    {
        IOLoop other(world.options());
        poster = Poster(other);
        EXPECT_FALSE(poster.closed());
        EXPECT_TRUE(poster.add_callback([&] { ++calls; }));
        EXPECT_TRUE(poster.spawn_callback([&] { ++calls; }));
        other.run_once();
        EXPECT_THROW(poster.add_callback(nullptr), std::invalid_argument);
    }
    EXPECT_TRUE(poster.closed());
    EXPECT_FALSE(poster.add_callback([&] { ++calls; }));
    EXPECT_EQ(calls, 2);
}

TEST_F(Objects, posters_of_four_threads_may_race_with_the_end_of_the_loop) {
    for (int round = 0; round < 50; ++round) {
        auto mortal = std::make_unique<IOLoop>();
        std::atomic<int> ready{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, poster = Poster(*mortal)] {
                ++ready;
                for (int post = 0; post < 1000 && poster.add_callback([] {}); ++post) {}
                while (!poster.closed()) std::this_thread::yield();
                EXPECT_FALSE(poster.add_callback([] {}));
            });
        }
        while (ready < 4) mortal->run_once();
        mortal->run_once();
        mortal.reset();
        for (auto& thread : threads) thread.join();
    }
}

TEST_F(Objects, suspended_time_stands_still_and_timeouts_have_as_long_to_go_as_they_had) {
    TimePoint fired{};
    loop.call_later(10s, [&] { fired = world.now(); });
    world.advance(4s);
    loop.suspend();
    const TimePoint held = loop.time();
    world.advance(1h);
    EXPECT_EQ(loop.time(), held);
    EXPECT_EQ(loop.next_deadline(), never);
    loop.run_once(1min); // waits for the host's timeout, not for a deadline that does not come
    EXPECT_EQ(world.last_timeout, 1min);
    EXPECT_EQ(fired, TimePoint{});
    EXPECT_TRUE(loop.suspended());
    loop.resume();
    const TimePoint resumed = world.now();
    loop.run_once(1h);
    EXPECT_EQ(fired - resumed, 6s);
}

TEST_F(Objects, suspended_handlers_and_callbacks_run_as_ever) {
    pair.send_to_a();
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read);
    loop.suspend();
    loop.suspend();
    loop.add_callback([&] { ++calls; });
    loop.call_later(0s, [&] { ++calls; });
    loop.call_later(1ns, [&] { ADD_FAILURE(); });
    loop.run_once();
    EXPECT_EQ(calls, 3);
    loop.remove_handler(pair.a);
    loop.close();
}

TEST_F(Objects, F19_a_forked_child_is_told_that_the_loop_is_its_parent_s) {
#if defined(_WIN32)
    GTEST_SKIP() << "Windows has no fork()";
#else
    loop.add_handler(
        pair.a, [&](Fd, Events) { ++calls; }, Events::read);
    const pid_t child = ::fork();
    if (child == 0) {
        int refused = 0;
        try {
            loop.run_once();
        } catch (const std::logic_error& error) {
            refused += std::string(error.what()).find("fork") != std::string::npos ? 1 : 0;
        }
        try {
            loop.add_handler(
                pair.b, [](Fd, Events) {}, Events::read);
        } catch (const std::logic_error&) {
            ++refused;
        }
        loop.remove_handler(pair.a); // the parent goes on watching
        loop.close();
        IOLoop own; // and a loop of its own works
        own.add_callback([&] { ++refused; });
        own.run_once();
        ::_exit(refused);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    pair.send_to_a();
    loop.run_once();
    EXPECT_EQ(calls, 1);
#endif
}
