// SPDX-License-Identifier: MIT
// A loop under a mixed load for as long as one likes, to see whether anything grows. tests/soak builds and runs it.
//
//   soak [seconds [seconds between samples]]
//
// Again and again the load is let down to nothing: then its own counts must add up, exactly; and memory and descriptors are
// looked at. After a warm-up of a third of the samples they must be flat: the medians of the first and the last third
// of the rest are compared, with a tolerance that is written below. Exit status 0: they are.
#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

// ---- what is measured ---------------------------------------------------------------------------

struct Sample {
    double seconds = 0;
    double resident = 0; ///< KiB, as the next: of the process
    double heap = 0;     ///< given out by malloc()
    double fds = 0;
};

double resident_kib() {
    long pages = 0;
    if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
        std::fclose(file);
    }
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

double heap_kib() {
    const auto info = ::mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd) / 1024;
}

double open_fds() {
    const std::filesystem::directory_iterator fds("/proc/self/fd");
    return static_cast<double>(std::distance(begin(fds), end(fds)) - 1); // that of the iterator
}

/// How many there are, and whether they are as many as they should be.
class Books {
public:
    void require_equal(const char* what, std::uint64_t one, std::uint64_t other) {
        if (one == other) return;
        std::printf("does not add up: %s: %" PRIu64 " and %" PRIu64 "\n", what, one, other);
        ++wrong_;
    }
    std::uint64_t wrong() const { return wrong_; }

private:
    std::uint64_t wrong_ = 0;
};

/// Counts that it is gone.
class Life {
public:
    explicit Life(std::uint64_t& gone) : gone_(&gone) {}
    Life(Life&& other) noexcept : gone_(std::exchange(other.gone_, nullptr)) {}
    Life& operator=(Life&&) = delete;
    ~Life() {
        if (gone_ != nullptr) ++*gone_;
    }

private:
    std::uint64_t* gone_;
};

// ---- the load -----------------------------------------------------------------------------------

class Load {
public:
    explicit Load(IOLoop& loop)
        : loop_(loop),
          server_(loop, [this](Socket socket, const SocketAddress&) { accept(std::move(socket)); }),
          udp_server_(loop, Socket::datagram(SocketAddress::loopback(0)),
                      [this](auto bytes, const SocketAddress& from) { answer(bytes, from); }),
          udp_client_(loop, Socket::datagram_to(udp_server_.local()),
                      [this](auto, const SocketAddress&) { ++udp_answers_; }),
          often_(loop, 2ms, [this] { do_something(); }),
          seldom_(loop, 7ms, [this] { level(); }),
          working_(loop, 5ms, [this]() -> Task<> { return tick(); }) {
        server_.listen("127.0.0.1", 0);
        for (int t = 0; t < 2; ++t) posters_.emplace_back([this, poster = Poster(loop)] { post(poster); });
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() {
        over_ = true;
        for (std::thread& poster : posters_) poster.join();
    }

    void go() {
        going_ = true;
        for (PeriodicCallback* each : {&often_, &seldom_, &working_}) each->start();
    }
    /// Nothing new begins; what was begun comes to its end by itself.
    void let_down() {
        going_ = false;
        for (PeriodicCallback* each : {&often_, &seldom_, &working_}) each->stop();
        for (const Timeout timeout : timeouts_) timeouts_removed_ += loop_.remove_timeout(timeout) ? 1U : 0U;
        timeouts_.clear();
    }
    bool is_down() const {
        return clients_begun_ == clients_ended_ && served_begun_ == served_ended_ &&
               server_.counters().accepted == connected_ && posts_accepted_ == posts_ran_ && posting_ == 0 &&
               tasks_begun_ == tasks_ended_ && udp_sent_ == udp_answers_ && working_now_ == 0;
    }
    void check(Books& books) const {
        books.require_equal("clients begun and ended", clients_begun_, clients_ended_);
        books.require_equal("clients, and how they ended", clients_ended_, finished_ + dropped_ + cancelled_);
        books.require_equal("connections made and accepted", connected_, server_.counters().accepted);
        books.require_equal("connections accepted and served to the end", served_begun_, served_ended_);
        books.require_equal("answers that were not what was sent", wrong_answers_, 0);
        books.require_equal("posts accepted and run", posts_accepted_, posts_ran_);
        books.require_equal("timeouts armed, and fired or removed", timeouts_armed_,
                            timeouts_fired_ + timeouts_removed_);
        books.require_equal("timeouts armed and destroyed", timeouts_armed_, timeouts_gone_);
        books.require_equal("tasks begun and ended", tasks_begun_, tasks_ended_);
        books.require_equal("closures given to scopes and destroyed", scoped_, scoped_gone_);
        books.require_equal("datagrams sent and answered", udp_sent_, udp_answers_);
        books.require_equal("datagrams dropped",
                            udp_server_.counters().dropped + udp_client_.counters().dropped, 0);
    }
    void print_totals() const {
        std::printf("connections %" PRIu64 " (finished %" PRIu64 ", dropped %" PRIu64 ", cancelled %" PRIu64
                    "), posts %" PRIu64 ", timeouts %" PRIu64 " (fired %" PRIu64 "), scoped closures %" PRIu64
                    ", cancelled tasks %" PRIu64 ", datagrams %" PRIu64 ", periodic tasks %" PRIu64 "\n",
                    clients_begun_, finished_, dropped_, cancelled_, posts_accepted_.load(), timeouts_armed_,
                    timeouts_fired_, scoped_, tasks_begun_, udp_sent_, ticks_);
    }

private:
    // ---- connections ----

    void accept(Socket socket) {
        ++served_begun_;
        spawn(loop_, serve(TcpStream(loop_, std::move(socket)), Life(served_ended_)));
    }
    Task<> serve(TcpStream stream, Life) {
        try {
            for (;;) co_await stream.write(co_await stream.read_some(4096));
        } catch (const std::exception&) { // the client left
        }
    }

    enum class Leave : std::uint8_t { finishing, dropping, cancelled };

    Task<> be_client(Leave leave, int rounds, Life) {
        TcpStream stream = TcpStream::connect(loop_, server_.addresses().front());
        co_await stream.connected();
        ++connected_;
        const std::string text(static_cast<std::size_t>(64 << (rounds % 8)), 'x');
        for (int round = 0; round < rounds; ++round) {
            auto written = stream.write(text);
            if (co_await stream.read_bytes(text.size()) != text) ++wrong_answers_;
            co_await written;
        }
        if (leave == Leave::cancelled) co_await sleep_for(1h); // somebody ends it
        if (leave == Leave::dropping) {
            ++dropped_;
            stream.write(text); // the answer comes to nobody
            co_return;
        }
        ++finished_;
        stream.finish();
        co_await stream.read_until_close();
    }
    void begin_client() {
        ++clients_begun_;
        const auto leave = static_cast<Leave>(random_() % 3);
        Future<void> done =
            spawn(loop_, be_client(leave, 1 + static_cast<int>(random_() % 8), Life(clients_ended_)));
        if (leave != Leave::cancelled) return;
        loop_.call_later(30ms, [this, done = std::move(done)]() mutable {
            // It may not have connected yet, on a slow machine.
            if (clients_are_slow())
                std::printf("slow: %" PRIu64 " clients\n", clients_begun_ - clients_ended_);
            ++cancelled_;
            done.cancel();
        });
    }
    bool clients_are_slow() const { return clients_begun_ - clients_ended_ > 500; }

    // ---- the rest ----

    void do_something() {
        if (clients_begun_ - clients_ended_ < 32) begin_client();
        begin_task();
        change_timeouts();
        const std::array<std::uint8_t, 100> bytes{};
        if (udp_sent_ - udp_answers_ < 64 && !udp_client_.send(bytes)) ++udp_sent_;
    }
    void answer(std::span<const std::uint8_t> bytes, const SocketAddress& to) {
        udp_server_.queue_to(bytes, to);
    }

    void change_timeouts() {
        for (int change = 0; change < 8; ++change) {
            const std::size_t at = random_() % 256;
            if (at >= timeouts_.size()) {
                ++timeouts_armed_;
                timeouts_.push_back(
                    loop_.call_later(std::chrono::milliseconds(1 + random_() % 500),
                                     [this, life = Life(timeouts_gone_)] { ++timeouts_fired_; }));
            } else if (random_() % 2 == 0) {
                loop_.update_timeout(timeouts_[at],
                                     loop_.now() + std::chrono::milliseconds(1 + random_() % 500));
            } else {
                timeouts_removed_ += loop_.remove_timeout(timeouts_[at]) ? 1U : 0U;
                timeouts_[at] = timeouts_.back();
                timeouts_.pop_back();
            }
        }
    }

    Task<> wait_for_ever(Life) { co_await with_timeout(1h, sleep_for(2h)); }
    void begin_task() {
        ++tasks_begun_;
        Future<void> task = spawn(loop_, wait_for_ever(Life(tasks_ended_)));
        loop_.call_later(5ms, [task = std::move(task)]() mutable { task.cancel(); });
    }

    /// A scope with all that one can have, which ends while some of it is still to come.
    void level() {
        Scope scope(loop_, "level");
        for (int each = 0; each < 20; ++each) {
            scoped_ += 2;
            scope.add_callback([life = Life(scoped_gone_)] {});
            scope.call_later(std::chrono::milliseconds(each), [life = Life(scoped_gone_)] {});
        }
        if (random_() % 2 == 0) return;
        auto longer = std::make_unique<Scope>(loop_, "longer level");
        scoped_ += 1;
        longer->call_later(10ms, [life = Life(scoped_gone_)] {});
        loop_.call_later(12ms, [longer = std::move(longer)] {});
    }

    Task<> tick() {
        ++working_now_;
        ++ticks_;
        co_await sleep_for(std::chrono::milliseconds(random_() % 8));
        --working_now_;
    }

    /// Of two other threads.
    void post(const Poster& poster) {
        while (!over_) {
            ++posting_; // before it looks
            for (int burst = 0; going_ && burst < 50 && posts_accepted_ < posts_ran_ + 1000; ++burst) {
                const std::string text(static_cast<std::size_t>(burst), 'x'); // some own memory
                ++posts_accepted_;
                if (!poster.add_callback([this, text] { ++posts_ran_; })) --posts_accepted_;
            }
            --posting_;
            std::this_thread::sleep_for(1ms);
        }
    }

    IOLoop& loop_;
    std::minstd_rand random_{1};
    std::vector<Timeout> timeouts_;

    std::uint64_t clients_begun_ = 0, clients_ended_ = 0, connected_ = 0;
    std::uint64_t finished_ = 0, dropped_ = 0, cancelled_ = 0, wrong_answers_ = 0;
    std::uint64_t served_begun_ = 0, served_ended_ = 0;
    std::uint64_t timeouts_armed_ = 0, timeouts_fired_ = 0, timeouts_removed_ = 0, timeouts_gone_ = 0;
    std::uint64_t tasks_begun_ = 0, tasks_ended_ = 0;
    std::uint64_t scoped_ = 0, scoped_gone_ = 0;
    std::uint64_t udp_sent_ = 0, udp_answers_ = 0;
    std::uint64_t ticks_ = 0, working_now_ = 0;

    TcpServer server_;
    UdpSocket udp_server_;
    UdpSocket udp_client_;
    PeriodicCallback often_;
    PeriodicCallback seldom_;
    PeriodicCallback working_;

    std::atomic<bool> going_{false};
    std::atomic<bool> over_{false};
    std::atomic<int> posting_{0};
    std::atomic<std::uint64_t> posts_accepted_{0};
    std::atomic<std::uint64_t> posts_ran_{0};
    std::vector<std::thread> posters_;
};

// ---- the verdict --------------------------------------------------------------------------------

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

/// Whether a number has not grown from the first to the last third of these by more than part of itself, and so much.
bool flat(const char* what, const std::vector<Sample>& samples, double Sample::*member, double part,
          double and_so_much) {
    const auto third = static_cast<std::ptrdiff_t>(samples.size() / 3);
    std::vector<double> first;
    std::vector<double> last;
    std::for_each(samples.begin(), samples.begin() + third,
                  [&](const Sample& s) { first.push_back(s.*member); });
    std::for_each(samples.end() - third, samples.end(), [&](const Sample& s) { last.push_back(s.*member); });
    const double before = median(first);
    const double after = median(last);
    const double most = before * (1 + part) + and_so_much;
    const bool good = after <= most;
    std::printf("%-12s %10.1f -> %10.1f (at most %.1f)  %s\n", what, before, after, most,
                good ? "flat" : "GROWS");
    return good;
}

int soak(std::chrono::seconds length, std::chrono::milliseconds every) {
    IOLoop loop;
    Load load(loop);
    Books books;
    std::vector<Sample> samples;
    const TimePoint begin = loop.time();
    std::printf("%9s %12s %12s %6s\n", "seconds", "RSS KiB", "heap KiB", "fds");
    while (loop.time() < begin + length) {
        load.go();
        const TimePoint next = loop.time() + every;
        while (loop.time() < next) loop.run_until(next);
        load.let_down();
        const TimePoint patience = loop.time() + 20s;
        // Also what fires later than all that is counted: the timeouts that cancel, the scopes that last longer.
        const TimePoint settled = loop.time() + 60ms;
        while (loop.time() < patience && (!load.is_down() || loop.time() < settled))
            loop.run_until(loop.time() + 5ms);
        load.check(books);
        samples.push_back({std::chrono::duration<double>(loop.time() - begin).count(), resident_kib(),
                           heap_kib(), open_fds()});
        const Sample& s = samples.back();
        std::printf("%9.1f %12.0f %12.1f %6.0f\n", s.seconds, s.resident, s.heap, s.fds);
        std::fflush(stdout);
        if (books.wrong() > 0) return 1;
    }
    load.print_totals();
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 3));
    if (samples.size() < 6) {
        std::printf("too few samples to say whether anything grows\n");
        return 0;
    }
    // With nothing under way, each descriptor and nearly each byte on the heap has to be there again. The resident set also has
    // what malloc() keeps, in as many pieces as chance has it.
    const bool fds = flat("descriptors", samples, &Sample::fds, 0, 0);
    const bool heap = flat("heap KiB", samples, &Sample::heap, 0.01, 32);
    const bool resident = flat("RSS KiB", samples, &Sample::resident, 0.03, 512);
    return fds && heap && resident ? 0 : 1;
}

} // namespace

int main(int count, char** arguments) {
    const int seconds = count > 1 ? std::atoi(arguments[1]) : 1800;
    const int every = count > 2 ? std::atoi(arguments[2]) : std::clamp(seconds / 60, 1, 30);
    if (seconds <= 0 || every <= 0) {
        std::fprintf(stderr, "usage: soak [seconds [seconds between samples]]\n");
        return 2;
    }
    return soak(std::chrono::seconds(seconds), std::chrono::seconds(every));
}
