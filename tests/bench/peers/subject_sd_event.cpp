// SPDX-License-Identifier: MIT
/// sd-event. It has no posts: its user brings a queue, and an eventfd for other threads. A turn runs one event at most.
#include "scenarios.hpp"

#include <chrono>
#include <stdexcept>
#include <system_error>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-event.h>

namespace bench::peers {

namespace {

void checked_sd(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::system_category(), what);
}

class SdEvent {
public:
    static constexpr std::size_t most_fired = 1000; // a turn each

    class Source {
    public:
        Source() = default;
        Source(const Source&) = delete;
        Source& operator=(const Source&) = delete;
        ~Source() { reset(); }

        void reset() { source_ = sd_event_source_disable_unref(source_); }
        sd_event_source** out() { return &source_; }
        sd_event_source* get() const { return source_; }

    private:
        sd_event_source* source_ = nullptr;
    };
    using Io = Source;
    using Timer = Source;

    SdEvent() : posted_fd_(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
        checked_sd(sd_event_new(&event_), "sd_event_new");
        checked_sd(sd_event_add_io(event_, posted_.out(), posted_fd_, EPOLLIN, &run_posted, this),
                   "sd_event_add_io");
    }
    SdEvent(const SdEvent&) = delete;
    SdEvent& operator=(const SdEvent&) = delete;
    ~SdEvent() {
        posted_.reset();
        sd_event_unref(event_);
        ::close(posted_fd_);
    }

    void step() {
        sd_event_run(event_, 0);
        queue_.drain();
    }
    void step_blocking() {
        sd_event_run(event_, UINT64_MAX);
        queue_.drain();
    }
    void post(Work work, void* argument) { queue_.push(work, argument); }
    void post_threadsafe(Work work, void* argument) {
        const std::uint64_t one = 1;
        if (shared_.push(work, argument)) (void)!::write(posted_fd_, &one, sizeof one);
    }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        checked_sd(sd_event_add_io(
                       event_, io.out(), fd, translated(events),
                       [](sd_event_source*, int, std::uint32_t, void* arg) {
                           f(arg);
                           return 0;
                       },
                       argument),
                   "sd_event_add_io");
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        sd_event_source_set_io_events(io.get(), translated(events));
    }
    void remove_io(Io& io) { io.reset(); }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        if (timer.get() != nullptr) return rearm(timer, delay);
        checked_sd(sd_event_add_time(
                       event_, timer.out(), CLOCK_MONOTONIC, deadline(delay), 1,
                       [](sd_event_source*, std::uint64_t, void* arg) {
                           f(arg);
                           return 0;
                       },
                       argument),
                   "sd_event_add_time");
    }
    void cancel(Timer& timer) { sd_event_source_set_enabled(timer.get(), SD_EVENT_OFF); }
    void rearm(Timer& timer, Duration delay) {
        sd_event_source_set_time(timer.get(), deadline(delay));
        sd_event_source_set_enabled(timer.get(), SD_EVENT_ONESHOT);
    }
    void read_clock() {
        base_ =
            std::chrono::ceil<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
    }
    void take_time_of_turn() {
        std::uint64_t now = 0;
        sd_event_now(event_, CLOCK_MONOTONIC, &now);
        base_ = std::chrono::microseconds(now);
    }

private:
    static int run_posted(sd_event_source*, int fd, std::uint32_t, void* self) {
        std::uint64_t count = 0;
        (void)!::read(fd, &count, sizeof count);
        static_cast<SdEvent*>(self)->shared_.drain();
        return 0;
    }
    static std::uint32_t translated(unsigned events) {
        return ((events & readable) != 0 ? std::uint32_t{EPOLLIN} : 0U) |
               ((events & writable) != 0 ? std::uint32_t{EPOLLOUT} : 0U);
    }
    std::uint64_t deadline(Duration delay) const {
        return static_cast<std::uint64_t>(
            (base_ + std::chrono::ceil<std::chrono::microseconds>(delay)).count());
    }

    int posted_fd_;
    sd_event* event_ = nullptr;
    Source posted_;
    std::chrono::microseconds base_{};
    WorkQueue queue_;
    SharedQueue shared_;
};

} // namespace

void enrol_sd_event(Registry& registry) { enrol<SdEvent>({registry, "sd-event", Kind::peer}); }

} // namespace bench::peers
