// SPDX-License-Identifier: MIT
#include "verdict.hpp"

#include <ioloop/inspect/format.hpp>

namespace ioloop::imgui {
namespace {

/// For how long a slow call is news, in loop time.
constexpr Duration news = std::chrono::seconds(10);

Text ago(TimePoint now, TimePoint then) { return format_duration(now - then).add(" ago"); }

Text who(const CallRecord& call) {
    const Origin& origin = call.chain.origin();
    return Text(name_of(call.kind))
        .add(" '")
        .add(format_name(origin).view())
        .add("' at ")
        .add(format_place(origin).view());
}

/// The descriptor that keeps the loop from ever sleeping, if there is one: nobody consumes what it is ready
/// for. A stream that has news in each frame is none; that is why the turns must be too many for frames.
const HandlerInfo* find_spinner(const View& view) {
    constexpr double many_turns = 2000; // a second
    constexpr std::uint32_t long_streak = 1000;
    if (view.turns_per_second() < many_turns) return nullptr;
    const HandlerInfo* worst = nullptr;
    for (const HandlerInfo& info : view.snapshot().handlers) {
        if (info.streak < long_streak || info.last_turn + 1 < view.snapshot().turn) continue;
        if (worst == nullptr || info.streak > worst->streak) worst = &info;
    }
    return worst;
}

} // namespace

void Verdict::update(const View& view) {
    if (view.frozen() && !sentence_.empty()) return;
    study_calls(view);
    judge(view);
}

void Verdict::clear(const View& view) {
    errors_before_ = view.snapshot().statistics.errors;
    dead_before_ = view.snapshot().statistics.dead_handlers;
    slow_calls_ = 0;
    studied_ = 0;
    slowest_ = {};
    thrown_ = {};
}

/// Looks at each recorded call once.
void Verdict::study_calls(const View& view) {
    const std::uint64_t seen = view.moment().calls_seen;
    if (studied_ > seen) studied_ = 0; // it was cleared
    const TimePoint now = view.time();
    const std::size_t count = view.calls().size();
    const std::uint64_t fresh = seen - studied_;
    for (std::size_t i = count - (fresh < count ? static_cast<std::size_t>(fresh) : count); i < count; ++i) {
        const CallRecord& call = view.calls()[i];
        if (call.threw) thrown_ = call;
        if (call.took <= slow_call_) continue;
        ++slow_calls_;
        if (call.took >= slowest_.took || now - slowest_.begin > news) slowest_ = call;
    }
    studied_ = seen;
}

void Verdict::judge(const View& view) {
    const Snapshot& snapshot = view.snapshot();
    const TimePoint now = view.time();
    const std::uint64_t errors = snapshot.statistics.errors - errors_before_;
    const std::uint64_t dead = snapshot.statistics.dead_handlers - dead_before_;
    Text text;
    if (view.moment().closed) return say(Severity::note, "closed: nothing can run any more");
    if (errors > 0 && thrown_.threw && now - thrown_.begin <= news) {
        text.add(errors).add(errors == 1 ? " error" : " errors").add(": thrown by ").add(who(thrown_).view());
        return say(Severity::error, text.add(", ").add(ago(now, thrown_.begin).view()));
    }
    if (slowest_.took > slow_call_ && now - slowest_.begin <= news) {
        text.add("slow call: ")
            .add(format_duration(slowest_.took).view())
            .add(" in ")
            .add(who(slowest_).view());
        return say(Severity::warning, text.add(", ").add(ago(now, slowest_.begin).view()));
    }
    if (const HandlerInfo* spinner = find_spinner(view)) {
        text.add("spinning: fd ").add(static_cast<std::uint64_t>(spinner->fd)).add(" '");
        text.add(format_name(spinner->origin).view()).add("' is ready in each of ");
        return say(Severity::warning, text.add(format_rate(view.turns_per_second()).view()).add(" turns/s"));
    }
    if (view.busy_in_frame() > budget_) {
        text.add("over budget: ").add(format_duration(view.busy_in_frame()).view()).add(" of each frame, ");
        return say(Severity::warning, text.add(format_duration(budget_).view()).add(" are planned"));
    }
    if (dead > 0) {
        text.add(dead).add(dead == 1 ? " descriptor was" : " descriptors were");
        return say(Severity::error, text.add(" closed without remove_handler()"));
    }
    if (errors > 0) {
        text.add(errors).add(errors == 1 ? " error" : " errors").add(" thrown by callables");
        return say(Severity::error, text);
    }
    if (snapshot.paused) return say(Severity::note, "paused: nothing runs, and the loop's time stands still");
    if (snapshot.suspended) return say(Severity::note, "suspended: no timeout comes due until resume()");
    if (!view.moment().observing) {
        return say(Severity::note, "no history: another observer looks at this loop already");
    }
    say(Severity::ok, "ok: nothing slow, nothing thrown");
}

void Verdict::say(Severity severity, const Text& sentence) {
    severity_ = severity;
    sentence_ = sentence;
}

} // namespace ioloop::imgui
