// SPDX-License-Identifier: MIT
/// Asio without Boost, as its users run it: it reads what it waits for, and posts are its own.
#include "scenarios.hpp"

#include <chrono>
#include <optional>

#include <asio.hpp>

namespace bench::peers {

namespace {

class Asio {
public:
    struct Io {
        std::optional<asio::posix::stream_descriptor> descriptor;
        void* argument = nullptr;
        char byte = 0;
        bool waits_to_write = false;
    };
    struct Timer {
        std::optional<asio::steady_timer> timer;
        Work work = nullptr;
        void* argument = nullptr;
    };

    void step() {
        context_.poll();
        if (interrupted_) restart();
    }
    void step_blocking() {
        context_.run_one(); // blocks
        context_.poll();
        if (interrupted_) restart();
    }
    void step_within(Duration time) { context_.run_for(time); }
    void interrupt() {
        interrupted_ = true;
        context_.stop();
    }

    void post(Work work, void* argument) {
        asio::post(context_, [work, argument] { work(argument); });
    }
    void post_threadsafe(Work work, void* argument) { post(work, argument); }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        io.descriptor.emplace(context_, fd);
        io.argument = argument;
        io.waits_to_write = false;
        read_on<f>(io);
        if ((events & writable) != 0) update_io<f>(io, events);
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        const bool write = (events & writable) != 0;
        if (write && !io.waits_to_write) {
            io.waits_to_write = true;
            io.descriptor->async_wait(asio::posix::stream_descriptor::wait_write,
                                      [&io](const asio::error_code& error) {
                                          if (error) return;
                                          io.waits_to_write = false;
                                          f(io.argument);
                                      });
        } else if (!write && io.waits_to_write) {
            io.waits_to_write = false;
            io.descriptor->cancel(); // there is no cancelling of the one alone
            read_on<f>(io);
        }
    }
    void remove_io(Io& io) {
        io.descriptor->release();
        io.descriptor.reset();
    }
    void close_io(Io& io, int) { io.descriptor.reset(); }
    bool receive(Io& io, int) { return io.byte == 'x'; }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        if (!timer.timer) timer.timer.emplace(context_);
        timer.work = f;
        timer.argument = argument;
        rearm(timer, delay);
    }
    void cancel(Timer& timer) { timer.timer->cancel(); }
    void rearm(Timer& timer, Duration delay) {
        timer.timer->expires_at(base_ + delay);
        timer.timer->async_wait([&timer](const asio::error_code& error) {
            if (!error) timer.work(timer.argument);
        });
    }
    void read_clock() { base_ = std::chrono::steady_clock::now(); }
    void take_time_of_turn() { read_clock(); }

private:
    template <Work f> static void read_on(Io& io) {
        io.descriptor->async_read_some(asio::buffer(&io.byte, 1),
                                       [&io](const asio::error_code& error, std::size_t) {
                                           if (error) return;
                                           f(io.argument);
                                           read_on<f>(io);
                                       });
    }
    void restart() {
        interrupted_ = false;
        context_.restart();
    }

    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> working_{context_.get_executor()};
    asio::steady_timer reactor_{context_}; // without one it never looks at descriptors, which is no loop
    bool interrupted_ = false;
    std::chrono::steady_clock::time_point base_{};
};

} // namespace

void enrol_asio(Registry& registry) { enrol<Asio>({registry, "asio", Kind::peer}); }

} // namespace bench::peers
