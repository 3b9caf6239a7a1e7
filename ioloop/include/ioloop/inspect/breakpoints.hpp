// SPDX-License-Identifier: MIT
/// Breakpoints: where a loop is to be paused. Floor 3.
///
/// A Recorder asks before each call. On an object or a call site the loop pauses just before the call; for
/// what is known only afterwards (it threw, it took too long, a lint found something) before the next one.
///
/// Thread: the loop's.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/observer.hpp>
#include <ioloop/site.hpp>
#include <ioloop/turn.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ioloop {

struct Breakpoint {
    enum class On : std::uint8_t {
        object, ///< the calls of one handler, timeout or callback: kind and id
        site,   ///< what was registered at one place
        error,  ///< a call that threw
        slow,   ///< a call that took at least `longer_than`
        lint,   ///< a lint that found something
    };

    On on = On::site;
    CallKind kind = CallKind::callback; ///< object
    std::uint64_t id = 0;               ///< object: CallRecord::id
    SiteId site = SiteId::none;         ///< site
    Duration longer_than{};             ///< slow

    friend bool operator==(const Breakpoint&, const Breakpoint&) = default;
};

class Breakpoints {
public:
    static constexpr std::size_t capacity = 32;

    /// False if it is there already, or there are too many.
    bool add(const Breakpoint& breakpoint) noexcept;
    bool remove(const Breakpoint& breakpoint) noexcept;
    void clear() noexcept { count_ = 0, asked_for_ = false; }
    std::span<const Breakpoint> all() const noexcept { return {points_.data(), count_}; }

    /// Why the loop was paused last.
    struct Hit {
        std::uint64_t number = 0; ///< counts; 0: never
        Breakpoint breakpoint;
        CallRecord call; ///< the one it was paused before; error and slow: the one that was it
    };
    const Hit& last_hit() const noexcept { return hit_; }

    /// True: pause now. The same call is let through when it is asked about again.
    bool stops_before(const CallRecord& next) noexcept { return (count_ > 0 || asked_for_) && stops(next); }
    void saw(const CallRecord& call) noexcept {
        if (count_ > 0) look(call);
    }
    /// A lint found something: pause before the next call, if that was asked for.
    void found(const CallRecord& about) noexcept;

private:
    bool stops(const CallRecord& next) noexcept;
    void look(const CallRecord& call) noexcept;
    void ask(const Breakpoint& breakpoint, const CallRecord& about) noexcept;

    std::array<Breakpoint, capacity> points_{};
    std::size_t count_ = 0;
    bool asked_for_ = false; ///< stop before whatever comes next
    bool held_ = false;      ///< stopped before this call:
    CallRecord held_before_;
    Hit hit_;
};

} // namespace ioloop
