// SPDX-License-Identifier: MIT
// A storm: eight threads do all that any thread may do to a loop, at once and without a pause, while others run it by
// every run_ call, hand it to each other, host it as guests, end its scopes, close and destroy it. Whatever is in whose way,
// a post that was accepted runs once or is destroyed once, one that was refused never runs, and posts of a thread keep
// their order.
//
// For longer: IOLOOP_STORM_ROUNDS=2000 test_loop_storm
#include "support/os.hpp"
#include "support/queue_host.hpp"
#include "support/sanitizers.hpp"

#include <ioloop/ioloop.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#if !defined(_WIN32)
#include <csignal>

#include <pthread.h>
#endif

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t posters = 8;
constexpr std::size_t lanes =
    posters + 1;                         ///< in which there is an order: of each thread, and of the callables
constexpr std::size_t most_posts = 3000; ///< of a thread, in a round
constexpr int most_signals = 60;         ///< of a thread, in a round

// ---- the books ----------------------------------------------------------------------------------

/// What became of each post. Not atomic where one thread after the other has it: a sanitizer watches.
class Books {
public:
    /// A closure that says whether it ran, and that it is gone.
    class Ticket {
    public:
        Ticket(Books& books, std::size_t lane, std::size_t number)
            : books_(&books),
              lane_(lane),
              number_(number) {}
        Ticket(Ticket&& other) noexcept
            : books_(std::exchange(other.books_, nullptr)),
              lane_(other.lane_),
              number_(other.number_) {}
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket() {
            if (books_ == nullptr) return;
            ++books_->at(lane_, number_).gone;
            books_->settled.fetch_add(1, std::memory_order_relaxed);
        }
        void operator()() { books_->note_run(lane_, number_); }

    private:
        Books* books_;
        std::size_t lane_;
        std::size_t number_;
    };

    Books() {
        for (Lane& lane : lanes_) lane.posts.resize(most_posts);
    }

    void note_run(std::size_t lane, std::size_t number) {
        ++at(lane, number).ran;
        if (number < lanes_[lane].next) ++out_of_order_;
        lanes_[lane].next = number + 1;
    }
    /// The same for what does not say that it is gone.
    void note_plain_run(std::size_t lane, std::size_t number) {
        note_run(lane, number);
        settled.fetch_add(1, std::memory_order_relaxed);
    }
    void note_answer(std::size_t lane, std::size_t number, bool accepted, bool tells_end) {
        Post& post = at(lane, number);
        post.made = true;
        post.accepted = accepted;
        post.tells_end = tells_end;
        if (!accepted && !tells_end) settled.fetch_add(1, std::memory_order_relaxed);
    }
    void note_signal(std::size_t lane, std::uint64_t number) {
        if (number < signals_[lane].next) ++out_of_order_;
        signals_[lane].next = number + 1;
        ++signals_[lane].ran;
    }

    /// When all threads are done and the loop is gone. `all`: nothing was dropped on the way.
    void check(bool all) const {
        std::size_t wrong = 0;
        for (const Lane& lane : lanes_) {
            for (const Post& post : lane.posts) {
                const bool right = post.ran <= (post.accepted ? 1 : 0) &&
                                   (!post.tells_end || post.gone == (post.made ? 1 : 0)) &&
                                   (!all || !post.accepted || post.ran == 1);
                if (!right) ++wrong;
            }
        }
        EXPECT_EQ(wrong, 0U)
            << "posts that ran though refused, ran twice, vanished, or were not destroyed once";
        EXPECT_EQ(out_of_order_, 0U);
        for (std::size_t lane = 0; lane < posters; ++lane) {
            const std::uint64_t accepted_signals = signals_accepted[lane];
            EXPECT_LE(signals_[lane].ran, accepted_signals) << "of thread " << lane;
            if (all) {
                EXPECT_EQ(signals_[lane].ran, accepted_signals) << "of thread " << lane;
            }
        }
    }

    std::atomic<std::uint64_t> settled{0}; ///< posts that nothing more will become of
    std::array<std::atomic<std::uint64_t>, posters> signals_accepted{};

private:
    struct Post {
        bool made = false;
        bool accepted = false;
        bool tells_end = false; ///< a Ticket
        std::uint8_t ran = 0;
        std::uint8_t gone = 0;
    };
    struct Lane {
        std::vector<Post> posts;
        std::size_t next = 0;
    };
    struct Signals {
        std::uint64_t next = 0;
        std::uint64_t ran = 0;
    };

    Post& at(std::size_t lane, std::size_t number) { return lanes_[lane].posts[number]; }

    std::array<Lane, lanes> lanes_;
    std::array<Signals, posters> signals_{};
    std::uint64_t out_of_order_ = 0;
};

/// Ends the program if it hangs: a hang would say nothing of where.
class Patience {
public:
    Patience()
        : thread_([this] {
              std::unique_lock lock(mutex_);
              for (int seen = round_; !over_; seen = round_) {
                  if (changed_.wait_for(lock, 60s, [&] { return over_ || round_ != seen; })) continue;
                  std::fprintf(stderr, "storm: round %d has not ended for 60 seconds: somebody hangs\n",
                               round_);
                  std::abort();
              }
          }) {}
    Patience(const Patience&) = delete;
    Patience& operator=(const Patience&) = delete;
    ~Patience() {
        {
            const std::lock_guard lock(mutex_);
            over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    void begin(int round) {
        {
            const std::lock_guard lock(mutex_);
            round_ = round;
        }
        changed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int round_ = -1;
    bool over_ = false;
    std::thread thread_; // last: it uses the rest
};

// ---- signals ------------------------------------------------------------------------------------

#if !defined(_WIN32)
/// What the signal handler posts to, and as whom.
std::atomic<IOLoop*> struck_loop{nullptr};
std::atomic<Books*> struck_books{nullptr};
thread_local std::size_t struck_lane = 0;
thread_local std::uint64_t strikes = 0;

void strike(int) {
    IOLoop* const loop = struck_loop.load();
    Books* const books = struck_books.load();
    if (loop == nullptr || books == nullptr) return;
    struct Bolt {
        Books* books;
        std::uint32_t lane;
        std::uint32_t number;
        void operator()() const { books->note_signal(lane, number); }
    };
    const Bolt bolt{books, static_cast<std::uint32_t>(struck_lane), static_cast<std::uint32_t>(strikes++)};
    if (loop->add_callback_from_signal(bolt)) ++books->signals_accepted[struck_lane];
}

class Lightning {
public:
    Lightning() {
        struct sigaction action {};
        action.sa_handler = strike;
        action.sa_flags = SA_RESTART;
        ::sigaction(SIGUSR1, &action, &before_);
    }
    Lightning(const Lightning&) = delete;
    Lightning& operator=(const Lightning&) = delete;
    ~Lightning() { ::sigaction(SIGUSR1, &before_, nullptr); }

    static void begin(std::size_t lane) {
        struck_lane = lane;
        strikes = 0;
    }
    static void aim(IOLoop* loop, Books* books) {
        struck_loop = loop;
        struck_books = books;
    }
    static void hit_myself() { ::pthread_kill(::pthread_self(), SIGUSR1); }

private:
    struct sigaction before_ {};
};
#else // it has no signals that hit a thread
struct Lightning {
    Lightning() {}
    static void begin(std::size_t) {}
    static void aim(IOLoop*, Books*) {}
    static void hit_myself() {}
};
#endif

// ---- a round ------------------------------------------------------------------------------------

enum class End : std::uint8_t {
    in_order,      ///< the posters end, what they posted runs, the loop is closed
    closed_early,  ///< the loop is closed while they post
    destroyed,     ///< it is destroyed while they post, by posters that outlive it
    scopes_change, ///< a scope ends and another one begins, again and again
};

/// A loop from its beginning to its end.
class Round {
public:
    explicit Round(int number)
        : end_(static_cast<End>(number % 4)),
          seed_(static_cast<std::uint32_t>(number)) {
        IOLoop::Options options;
        options.make_current = MakeCurrent::never;
        loop_ = std::make_unique<IOLoop>(std::move(options));
        new_scope();
        Lightning::aim(end_ == End::destroyed ? nullptr : loop_.get(), &books_);
    }

    void run() {
        const Poster poster(*loop_);
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < posters; ++t)
            threads.emplace_back([this, t, poster] { post(t, poster); });
        std::vector<std::thread> runners;
        for (std::uint32_t t = 0; t < 3; ++t, ++runners_)
            runners.emplace_back([this, t] { run_and_hand_over(t); });
        if (end_ == End::closed_early || end_ == End::destroyed) {
            std::this_thread::sleep_for(5ms);
            cut_short(poster);
        }
        for (std::thread& thread : threads) thread.join();
        quiet_ = true;
        while (runners_ > 0) { // one may just be about to begin a start()
            if (end_ != End::destroyed) loop_->stop();
            std::this_thread::yield();
        }
        for (std::thread& runner : runners) runner.join();
        finish();
    }

private:
    /// One of the eight.
    void post(std::size_t lane, const Poster& poster) {
        std::minstd_rand random(static_cast<std::uint32_t>(seed_ * 100 + lane + 1));
        Lightning::begin(lane);
        int signals = 0;
        for (std::size_t number = 0; number < posts_; ++number) {
            const auto door = static_cast<Door>((end_ == End::destroyed ? 2 : 0) +
                                                random() % (end_ == End::destroyed ? 3 : 5));
            const bool plain = door != Door::scope && random() % 3 == 0;
            ++posts_made_;
            books_.note_answer(lane, number, post_one(lane, number, plain, door, poster), !plain);
            while (!cut_ && posts_made_ > books_.settled + 1000) std::this_thread::yield();
            if (end_ == End::destroyed) continue;
            if (random() % 16 == 0) loop_->wake();
            if (random() % 16 == 0) loop_->stop();
            if (random() % 16 == 0 && ++signals < most_signals) Lightning::hit_myself();
        }
    }

    /// The first two need a loop that is there, closed or not.
    enum class Door : std::uint8_t { add, spawn, poster_add, poster_spawn, scope };

    bool post_one(std::size_t lane, std::size_t number, bool plain, Door door, const Poster& poster) {
        struct Plain { // two words: it goes the shortest way
            Books* books;
            std::uint32_t lane;
            std::uint32_t number;
            void operator()() const { books->note_plain_run(lane, number); }
        };
        const Plain words{&books_, static_cast<std::uint32_t>(lane), static_cast<std::uint32_t>(number)};
        if (plain && door == Door::add) return loop_->add_callback(words);
        Callback callback = plain ? Callback(words) : Callback(Books::Ticket(books_, lane, number));
        if (!plain && number % 32 == 0) {
            callback = [this, inner = std::move(callback)]() mutable {
                inner();
                post_from_callable();
            };
        }
        switch (door) {
        case Door::add: return loop_->add_callback(std::move(callback));
        case Door::spawn: return loop_->spawn_callback(std::move(callback));
        case Door::poster_add: return poster.add_callback(std::move(callback));
        case Door::poster_spawn: return poster.spawn_callback(std::move(callback));
        case Door::scope: break;
        }
        return scope_poster().add_callback(std::move(callback));
    }

    /// In a callable, so on whichever thread runs the loop.
    void post_from_callable() {
        const std::size_t number = posted_inside_++;
        if (number >= most_posts) return;
        ++posts_made_;
        // (The answer comes first: the ticket is not gone before this callable has returned.)
        books_.note_answer(posters, number, loop_->add_callback(Books::Ticket(books_, posters, number)),
                           true);
    }

    /// One of those who take turns in running the loop.
    void run_and_hand_over(std::uint32_t who) {
        std::minstd_rand random(seed_ * 10 + who + 1);
        while (!quiet_ && !cut_) {
            {
                const std::lock_guard turn(turns_);
                if (cut_) break;
                run_somehow(random() % 16);
            }
            std::this_thread::yield();
        }
        --runners_;
    }

    void run_somehow(unsigned how) {
        switch (how) {
        case 0: loop_->start(); break;
        case 1: loop_->run_once(200us); break;
        case 2: loop_->run_once(no_wait, Budget{forever, 7}); break;
        case 3: loop_->run_ready(Budget{200us}); break;
        case 4: loop_->run_until(loop_->time() + 300us); break;
        case 5: be_a_host(); break;
        case 6:
            if (end_ != End::scopes_change) break;
            loop_->run_once(); // from here on it is this thread's
            new_scope();
            break;
        default: loop_->run_once();
        }
    }

    void be_a_host() {
        loop_->run_once(); // from here on it is this thread's
        QueueHost host;
        Guest guest(*loop_, host.poster());
        guest.start();
        const auto until = std::chrono::steady_clock::now() + 500us;
        while (guest.running() && std::chrono::steady_clock::now() < until) {
            if (host.run_posted() == 0) std::this_thread::yield();
        }
    }

    /// On the main thread.
    void cut_short(const Poster& poster) {
        while (!turns_.try_lock()) { // who is in a start() has it
            poster.spawn_callback([this] { loop_->stop(); });
            std::this_thread::sleep_for(100us);
        }
        const std::lock_guard turn(turns_, std::adopt_lock);
        cut_ = true;
        Lightning::aim(nullptr, nullptr);
        if (end_ == End::closed_early) {
            loop_->close();
        } else {
            loop_.reset();
        }
    }

    void finish() {
        Lightning::aim(nullptr, nullptr);
        if (end_ == End::in_order || end_ == End::scopes_change) {
            for (int turn = 0; turn < 3; ++turn) loop_->run_ready(); // the first may be told of a stop
        }
        if (loop_ != nullptr) loop_->close();
        scope_.reset();
        loop_.reset();
        books_.check(end_ == End::in_order);
    }

    // ---- the scope that is there just now ----

    void new_scope() {
        scope_ = std::make_unique<Scope>(*loop_, "storm"); // the earlier one ends
        const std::lock_guard lock(scope_mutex_);
        scope_poster_ = std::make_unique<Scope::Poster>(scope_->poster());
    }
    Scope::Poster scope_poster() {
        const std::lock_guard lock(scope_mutex_);
        return *scope_poster_;
    }

    const End end_;
    const std::uint32_t seed_;
    const std::size_t posts_ = UNDER_THREAD_SANITIZER ? 500 : most_posts;
    Books books_;
    std::unique_ptr<IOLoop> loop_;
    std::unique_ptr<Scope> scope_;
    std::mutex scope_mutex_;
    std::unique_ptr<Scope::Poster> scope_poster_;
    std::mutex turns_; ///< whose it is to run the loop
    std::atomic<std::uint64_t> posts_made_{0};
    std::size_t posted_inside_ = 0;
    std::atomic<int> runners_{0};
    std::atomic<bool> quiet_{false}; ///< the posters are done
    std::atomic<bool> cut_{false};   ///< the loop is closed, or gone
};

TEST(Storm, whatever_is_in_whose_way_each_post_runs_once_or_is_destroyed) {
    const char* const wanted = std::getenv("IOLOOP_STORM_ROUNDS");
    const int rounds = wanted != nullptr ? std::atoi(wanted) : 200;
    const auto end = std::chrono::steady_clock::now() + 2s;
    [[maybe_unused]] const Lightning lightning;
    Patience patience;
    int round = 0;
    for (; round < rounds && !HasFailure(); ++round) {
        // A slow machine makes fewer; one of each kind, though.
        if (wanted == nullptr && round >= 4 && std::chrono::steady_clock::now() > end) break;
        patience.begin(round);
        SCOPED_TRACE("round " + std::to_string(round));
        Round(round).run();
    }
    std::printf("%d rounds\n", round);
}

} // namespace
