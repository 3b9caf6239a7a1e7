// SPDX-License-Identifier: MIT
/// Poller without descriptors: time and wake() only, in nothing but standard C++. For platforms that have no
/// other (consoles, sandboxes), and as the smallest statement of what a port is.
///
/// wake() is not signal-safe here: it takes a mutex.
#include "../os/precise_sleep.hpp"

#include <ioloop/poller.hpp>

#include <condition_variable>
#include <mutex>

namespace ioloop {
namespace {

class NullPoller final : public Poller {
public:
    std::error_code add(Fd, Events, Key) override {
        return make_error_code(std::errc::operation_not_supported);
    }
    std::error_code modify(Fd, Events, Key) override {
        return make_error_code(std::errc::no_such_file_or_directory);
    }
    std::error_code remove(Fd) override { return make_error_code(std::errc::no_such_file_or_directory); }
    std::error_code reset() override { return {}; }

    std::error_code wait(std::span<Ready>, Duration timeout, std::size_t& count) override {
        count = 0;
        std::unique_lock lock(mutex_);
        const auto woken = [this] { return woken_; };
        const TimePoint deadline = after(std::chrono::steady_clock::now(), timeout);
        if (deadline == never) {
            changed_.wait(lock, woken);
        } else if (timeout > no_wait) {
            const PreciseSleep precise(timeout);
            changed_.wait_until(lock, deadline, woken);
        }
        woken_ = false;
        return {};
    }

    void wake() noexcept override {
        {
            const std::lock_guard lock(mutex_);
            woken_ = true;
        }
        changed_.notify_one();
    }
    std::string_view name() const noexcept override { return "null"; }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool woken_ = false;
};

} // namespace

std::unique_ptr<Poller> make_null_poller() { return std::make_unique<NullPoller>(); }

} // namespace ioloop
