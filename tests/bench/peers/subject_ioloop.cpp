// SPDX-License-Identifier: MIT
#include "scenarios.hpp"

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>

#include <algorithm>
#include <type_traits>

namespace bench::peers {

namespace {

using ioloop::Budget;
using ioloop::Events;
using ioloop::Fd;
using ioloop::PollerKind;

struct Nobody {};
class SeesNothing final : public ioloop::Observer {};

template <PollerKind poller, class Watcher> class IoLoop {
public:
    /// select() can watch no more than 1024.
    static constexpr std::size_t most_descriptors = poller == PollerKind::select ? 400 : no_limit;

    struct Io {
        int fd = -1;
    };
    struct Timer {
        ioloop::Timeout id;
    };

    IoLoop() {
        if constexpr (!std::is_same_v<Watcher, Nobody>) loop_.set_observer(&watcher_);
    }

    void step() { loop_.run_once(); }
    void step_blocking() { loop_.run_once(ioloop::forever); }
    void step_within(Duration time) { loop_.run_once(ioloop::no_wait, Budget{time}); }

    void post(Work work, void* argument) {
        loop_.add_callback([work, argument] { work(argument); });
    }
    void post_threadsafe(Work work, void* argument) { post(work, argument); }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        io.fd = fd;
        loop_.add_handler(
            fd, [argument](Fd, Events) { f(argument); }, translated(events));
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        loop_.update_handler(io.fd, translated(events));
    }
    void remove_io(Io& io) { loop_.remove_handler(io.fd); }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        timer.id = loop_.call_at(base_ + delay, [argument] { f(argument); });
    }
    void cancel(Timer& timer) { loop_.remove_timeout(timer.id); }
    void rearm(Timer& timer, Duration delay) { loop_.update_timeout(timer.id, base_ + delay); }
    void read_clock() { base_ = loop_.time(); }
    void take_time_of_turn() { base_ = loop_.now(); }

private:
    static ioloop::IOLoop::Options options() {
        ioloop::IOLoop::Options options;
        options.poller = poller;
        return options;
    }
    static constexpr Events translated(unsigned events) {
        return ((events & readable) != 0 ? Events::read : Events::none) |
               ((events & writable) != 0 ? Events::write : Events::none);
    }

    Watcher watcher_;
    ioloop::IOLoop loop_{options()};
    ioloop::TimePoint base_{};
};

bool available(PollerKind kind) {
    const auto kinds = ioloop::available_pollers();
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

} // namespace

void enrol_ioloop(Registry& registry) {
    constexpr const char* turns =
        "idle_pump |^post|wake|fd_chain|ping_pong|add_remove|toggle|connection|game_frame";
    enrol<IoLoop<PollerKind::automatic, Nobody>>({registry, "ioloop", Kind::own});
    if (available(PollerKind::io_uring))
        enrol<IoLoop<PollerKind::io_uring, Nobody>>({registry, "ioloop-io_uring", Kind::variant});
    if (available(PollerKind::poll))
        enrol<IoLoop<PollerKind::poll, Nobody>>({registry, "ioloop-poll", Kind::variant, turns});
    if (available(PollerKind::select))
        enrol<IoLoop<PollerKind::select, Nobody>>({registry, "ioloop-select", Kind::variant, turns});
    // What the inspector's hooks cost when they are taken; without an observer is the first line.
    constexpr const char* calls = "post B=64|arm_fire N=1000$|ping_pong|idle_pump K=100 T=1000$";
    enrol<IoLoop<PollerKind::automatic, SeesNothing>>({registry, "ioloop-observed", Kind::variant, calls});
    enrol<IoLoop<PollerKind::automatic, ioloop::Recorder>>(
        {registry, "ioloop-recorded", Kind::variant, calls});
}

} // namespace bench::peers
