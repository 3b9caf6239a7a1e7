// SPDX-License-Identifier: MIT
#include <ioloop/inspect/breakpoints.hpp>

#include <algorithm>
#include <utility>

namespace ioloop {

bool Breakpoints::add(const Breakpoint& breakpoint) noexcept {
    const auto points = all();
    if (count_ == capacity || std::find(points.begin(), points.end(), breakpoint) != points.end())
        return false;
    points_[count_++] = breakpoint;
    return true;
}

bool Breakpoints::remove(const Breakpoint& breakpoint) noexcept {
    Breakpoint* const end = points_.data() + count_;
    Breakpoint* const found = std::find(points_.data(), end, breakpoint);
    if (found == end) return false;
    std::move(found + 1, end, found);
    --count_;
    return true;
}

bool Breakpoints::stops(const CallRecord& next) noexcept {
    if (held_ && next.kind == held_before_.kind && next.id == held_before_.id &&
        next.turn == held_before_.turn) {
        held_ = false; // resumed: this time it passes
        return false;
    }
    held_ = false;
    bool stop = std::exchange(asked_for_, false);
    for (const Breakpoint& point : all()) {
        const bool hit =
            (point.on == Breakpoint::On::object && point.kind == next.kind && point.id == next.id) ||
            (point.on == Breakpoint::On::site && point.site == next.chain.site());
        if (!hit || stop) continue;
        hit_ = {hit_.number + 1, point, next};
        stop = true;
    }
    if (!stop) return false;
    held_ = true;
    held_before_ = next;
    return true;
}

void Breakpoints::look(const CallRecord& call) noexcept {
    for (const Breakpoint& point : all()) {
        if (point.on == Breakpoint::On::error && call.threw) ask(point, call);
        if (point.on == Breakpoint::On::slow && call.took >= point.longer_than) ask(point, call);
    }
}

void Breakpoints::found(const CallRecord& about) noexcept {
    for (const Breakpoint& point : all()) {
        if (point.on == Breakpoint::On::lint) ask(point, about);
    }
}

void Breakpoints::ask(const Breakpoint& breakpoint, const CallRecord& about) noexcept {
    if (std::exchange(asked_for_, true)) return; // the first reason counts
    hit_ = {hit_.number + 1, breakpoint, about};
}

} // namespace ioloop
