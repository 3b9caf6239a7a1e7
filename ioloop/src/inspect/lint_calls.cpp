// SPDX-License-Identifier: MIT
/// CallLints. What the machine did is subtracted: a call that waited for a CPU was not slow for that time.
#include "lints.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop {
namespace {

/// One call that is a little slow proves nothing: the machine may have been elsewhere. So many do, or one of so many times
/// the threshold.
constexpr std::uint64_t slow_enough = 3;
constexpr Duration::rep very_slow = 5;
constexpr Duration slow_memory = std::chrono::seconds(5); ///< between two of them

constexpr std::uint64_t frames_enough = 32; ///< in a window of over-budget
constexpr double frames_over = 0.05;

constexpr std::uint32_t rising_enough = 32;     ///< turns in a row, for queue-growing
constexpr std::uint32_t rising_fast_enough = 8; ///< when there are many already
constexpr std::uint32_t growing_enough = 6;     ///< looks in a row
constexpr std::uint32_t many_queued = 1000;
constexpr std::uint32_t some_queued = 256;

/// The one that more than half of the queue is of, if there is one; else any.
const CallbackInfo* most_frequent(const std::vector<CallbackInfo>& queue) {
    const CallbackInfo* candidate = nullptr;
    std::size_t votes = 0;
    const std::size_t count = std::min<std::size_t>(queue.size(), 4096);
    for (std::size_t i = queue.size() - count; i < queue.size(); ++i) {
        if (votes == 0) candidate = &queue[i];
        if (queue[i].chain.site() == candidate->chain.site()) {
            ++votes;
        } else {
            --votes;
        }
    }
    return candidate;
}

} // namespace

void CallLints::clear(Recorder& recorder) noexcept {
    *this = CallLints();
    long_calls_seen_ = recorder.evidence().long_calls_seen();
    frames_ = recorder.frames();
}

void CallLints::look(const Look& look) noexcept {
    look_for_slow_calls(look);
    look_at_frames(look);
    look_for_reposts(look);
    look_at_the_queue(look);
    look_for_errors(look);
}

void CallLints::look_for_slow_calls(const Look& look) noexcept {
    const Evidence& evidence = look.evidence;
    const std::uint64_t seen = evidence.long_calls_seen();
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(evidence.long_call_count(), seen - long_calls_seen_));
    long_calls_seen_ = seen;
    for (std::size_t back = count; back-- > 0;) {
        const CallRecord& call = evidence.recent_long_call(back).call;
        const Duration delayed = evidence.recent_long_call(back).delayed;
        const Duration took = call.took - delayed;
        if (took <= look.options.slow_call) continue;
        Slow* const end = slow_.data() + slow_.size();
        Slow* slow = std::find_if(slow_.data(), end, [&](const Slow& known) {
            return known.site == call.chain.site() && known.kind == call.kind && known.count > 0;
        });
        if (slow == end) { // in the place of the one that was seen the longest time ago
            slow = std::min_element(slow_.data(), end,
                                    [](const Slow& a, const Slow& b) { return a.last < b.last; });
            *slow = {call.chain.site(), call.kind, 0, {}, look.uptime};
        }
        if (look.uptime - slow->last > slow_memory) slow->count = 0, slow->longest = {};
        ++slow->count;
        slow->longest = std::max(slow->longest, took);
        slow->last = look.uptime;
        if (slow->count < slow_enough && slow->longest < look.options.slow_call * very_slow) continue;
        Finding found = finding_of(Lint::slow_dispatch, call.kind, call.chain);
        found.id = call.id;
        found.fd = call.fd;
        found.count = slow->count;
        found.sentence = name_and_fd(call.chain, call.fd).add(" took ").add(format_duration(took).view());
        if (delayed > took / 10)
            found.sentence.add(" beside ").add(format_duration(delayed).view()).add(" of waiting for a CPU");
        if (slow->count > 1) {
            found.sentence.add(", one of ").add(slow->count).add(" slow calls of up to ");
            found.sentence.add(format_duration(slow->longest).view());
        }
        found.sentence.add("; meant to take at most ").add(format_duration(look.options.slow_call).view());
        look.findings.saw(found);
    }
}

void CallLints::look_at_frames(const Look& look) noexcept {
    const Histogram& now = look.recorder.frames();
    if (now.count() < frames_.count()) frames_ = {}; // cleared meanwhile
    frames_delay_ += look.delay;
    const std::uint64_t frames = now.count() - frames_.count();
    if (frames < frames_enough) return;
    std::uint64_t over = 0;
    for (std::size_t bucket = 1; bucket < Histogram::bucket_count; ++bucket) {
        if (Histogram::upper_bound(bucket - 1) >= look.options.budget)
            over += now.in_bucket(bucket) - frames_.in_bucket(bucket);
    }
    // If the thread waited for a CPU for so long, it was perhaps within its frames: nothing is certain.
    const bool machine = frames_delay_ * 4 > look.options.budget * static_cast<Duration::rep>(over);
    if (static_cast<double>(over) > frames_over * static_cast<double>(frames) && over >= 3 && !machine) {
        const SiteProfile* most = nullptr; // of all that was recorded: who is it likely to be?
        for (const SiteProfile& profile : look.recorder.profiles()) {
            if (most == nullptr || profile.busy > most->busy) most = &profile;
        }
        Finding found = finding_of(Lint::over_budget, most != nullptr ? most->kind : CallKind::callback,
                                   most != nullptr ? Chain{{most->site}} : Chain{});
        found.count = over;
        found.sentence.add("the loop took more than ").add(format_duration(look.options.budget).view());
        found.sentence.add(" in ").add(over).add(" of ").add(frames).add(" frames, most of it for ");
        found.sentence.add(name_and_fd(found.chain, invalid_fd).view());
        look.findings.saw(found);
    }
    frames_ = now;
    frames_delay_ = {};
}

void CallLints::look_for_reposts(const Look& look) noexcept {
    for (const SiteProfile& profile : look.recorder.profiles()) {
        if (profile.kind != CallKind::callback || profile.self_streak < look.options.streak) continue;
        if (!look.is_recent(profile.last_turn)) continue;
        Finding found =
            finding_of(Lint::repost_forever, CallKind::callback, Chain{{profile.site, profile.site}});
        found.count = profile.self_streak;
        found.sentence = name_and_fd(found.chain, invalid_fd).add(" posted itself in ");
        found.sentence.add(profile.self_streak).add(" turns in a row");
        look.findings.saw(found);
    }
}

void CallLints::look_at_the_queue(const Look& look) noexcept {
    const Statistics& statistics = look.snapshot.statistics;
    // From turn to turn ...
    std::uint32_t most_rising = 0;
    for (std::size_t i = look.recorder.turn_count() - look.turns; i < look.recorder.turn_count(); ++i) {
        const std::uint32_t queued = look.recorder.turn(i).queued_after;
        rising_ = queued > queued_after_ ? rising_ + 1 : 0;
        queued_after_ = queued;
        if (rising_ >= rising_enough || (rising_ >= rising_fast_enough && queued >= many_queued))
            most_rising = std::max(most_rising, rising_);
    }
    // ... and, as under a budget one turn may last for many frames, from look to look.
    const bool ran = statistics.callbacks_run > callbacks_run_;
    growing_ = ran && statistics.callbacks > queued_ ? growing_ + 1 : 0;
    queued_ = statistics.callbacks;
    callbacks_run_ = statistics.callbacks_run;
    const bool growing = growing_ >= growing_enough && queued_ >= some_queued;
    if (most_rising == 0 && !growing) return;

    const CallbackInfo* most = most_frequent(look.snapshot.callbacks);
    Finding found =
        finding_of(Lint::queue_growing, CallKind::callback, most != nullptr ? most->chain : Chain{});
    found.count = queued_;
    found.sentence.add(queued_).add(" callbacks are queued, more after each of ");
    if (most_rising > 0) {
        found.sentence.add(most_rising).add(" turns");
    } else {
        found.sentence.add(growing_).add(" looks");
    }
    if (most != nullptr)
        found.sentence.add(", most of them ").add(name_and_fd(most->chain, invalid_fd).view());
    look.findings.saw(found);
}

void CallLints::look_for_errors(const Look& look) noexcept {
    const std::size_t count = look.recorder.error_count();
    for (std::size_t i = count; i-- > count - look.errors;) {
        const ErrorRecord& error = look.recorder.error(i);
        if (error.dropped) continue;
        std::uint64_t times = 0;
        bool newest = true; // of its site: the one to be shown
        for (std::size_t j = count - look.errors; j < count; ++j) {
            const ErrorRecord& other = look.recorder.error(j);
            if (other.dropped || other.call.chain.site() != error.call.chain.site()) continue;
            ++times;
            if (j > i) newest = false;
        }
        if (!newest) continue;
        const SiteProfile* profile = look.recorder.profile(error.call.chain.site(), error.call.kind);
        Finding found = finding_of(Lint::threw, error.call.kind, error.call.chain);
        found.id = error.call.id;
        found.fd = error.call.fd;
        found.count = profile != nullptr ? std::max(profile->threw, times) : times;
        found.sentence = name_and_fd(error.call.chain, error.call.fd).add(" threw ").add(found.count);
        found.sentence.add(found.count == 1 ? " time: " : " times, the last time: ").add(error.what.data());
        look.findings.saw(found);
    }
}

} // namespace ioloop
