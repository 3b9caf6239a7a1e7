// SPDX-License-Identifier: MIT
#include "evidence.hpp"

#include <ioloop/inspect/local_source.hpp>

#include <algorithm>
#include <utility>

namespace ioloop {
namespace {

/// With more than this many objects, one copy of them all in each frame would be felt: ten times a second, then; and of
/// very many so seldom that no more than this many are copied in a second.
constexpr std::size_t many = 2000;
constexpr double seconds_between_many = 0.1;
constexpr double copied_in_a_second = 100'000;
constexpr double seconds_between_summaries = 0.25;
constexpr double seconds_between_comparisons = 1; ///< with the kernel's list; of many, ten times that

/// The user interface's clock may have been set back.
bool is_due(double last, double now, double interval) {
    return last < 0 || now < last || now - last >= interval;
}

template <class Record, class At>
void copy_last(std::vector<Record>& to, std::size_t count, std::size_t most, At at) {
    to.clear();
    for (std::size_t i = count - std::min(count, most); i < count; ++i) to.push_back(at(i));
}

} // namespace

LocalSource::LocalSource(IOLoop& loop) : LocalSource(loop, Options{}) {}

LocalSource::LocalSource(IOLoop& loop, const Options& options)
    : loop_(loop),
      options_(options),
      own_recorder_(options.recorder == nullptr ? std::make_unique<Recorder>() : nullptr),
      recorder_(own_recorder_ != nullptr ? *own_recorder_ : *options.recorder),
      linter_(loop, recorder_, options.lints) {
    observe();
}

LocalSource::~LocalSource() {
    if (installed_ && observing()) loop_.set_observer(nullptr);
}

/// Takes the place of the observer, if it is free. It may become free later.
void LocalSource::observe() {
    if (loop_.observer() != nullptr) return;
    loop_.set_observer(&recorder_);
    installed_ = true;
}

void LocalSource::begin_frame() {
    if (observing()) recorder_.begin_frame();
}

bool LocalSource::refresh(Moment& moment, double now) {
    observe();
    const Statistics& statistics = loop_.statistics();
    const std::size_t objects = std::size_t{statistics.handlers} + statistics.timeouts + statistics.callbacks;
    const double interval = std::max(seconds_between_many, static_cast<double>(objects) / copied_in_a_second);
    const bool copy = objects <= many || is_due(taken_at_, now, interval);
    Snapshot& snapshot = moment.snapshot;
    if (copy) {
        loop_.snapshot(snapshot);
        taken_at_ = now;
        closed_ = snapshot.poller == "closed";
        if (is_due(compared_at_, now, seconds_between_comparisons * (objects > many ? 10 : 1))) {
            compared_at_ = now;
            compare_with_kernel(snapshot);
        }
        copy_truth(moment);
    } else {
        snapshot.statistics = statistics;
        snapshot.time = loop_.time();
        snapshot.paused = loop_.paused();
        snapshot.suspended = loop_.suspended();
        snapshot.in_call = loop_.in_call();
    }
    moment.closed = closed_;
    moment.observing = observing();
    moment.recording = recorder_.recording();
    copy_history(moment);
    if (copy && moment.observing) linter_.check(snapshot); // which knows how often to look
    if (is_due(summarized_at_, now, seconds_between_summaries)) {
        summarized_at_ = now;
        copy_summaries(moment);
    }
    return copy;
}

/// The list and the snapshot are of one moment; later ones have handlers that the list could not have.
void LocalSource::compare_with_kernel(const Snapshot& snapshot) {
    const auto by_handler = [](const auto& a, const auto& b) { return a.handler < b.handler; };
    files_.clear();
    // For all of them, now: the files of those that were there before the recorder become known later.
    files_.reserve(snapshot.handlers.size());
    for (const HandlerInfo& handler : snapshot.handlers) {
        if (const FileIdentity file = recorder_.evidence().noted_file(handler.id))
            files_.push_back({handler.id, file});
    }
    std::sort(files_.begin(), files_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    kernel_.read(snapshot.kernel_handle);
    const auto truth = kernel_.compare(snapshot.handlers, files_);
    truth_.clear();
    for (std::size_t i = 0; i < truth.size(); ++i) truth_.push_back({snapshot.handlers[i].id, truth[i]});
    std::sort(truth_.begin(), truth_.end(), by_handler);
}

/// Both lists are in much the same order: the next is nearly always behind the one before.
void LocalSource::copy_truth(Moment& moment) const {
    const auto is = [&](auto known, std::uint64_t id) {
        return known != truth_.end() && known->handler == id;
    };
    moment.truth.clear();
    auto next = truth_.begin();
    for (const HandlerInfo& handler : moment.snapshot.handlers) {
        if (!is(next, handler.id)) {
            next =
                std::lower_bound(truth_.begin(), truth_.end(), handler.id,
                                 [](const KnownTruth& each, std::uint64_t id) { return each.handler < id; });
        }
        const bool found = is(next, handler.id);
        moment.truth.push_back(found ? next->truth : KernelTruth::unknown);
        if (found) ++next;
    }
}

void LocalSource::copy_history(Moment& moment) {
    if (moment.calls_seen != recorder_.calls_seen()) {
        moment.calls_seen = recorder_.calls_seen();
        copy_last(moment.calls, recorder_.call_count(), options_.calls,
                  [&](std::size_t i) -> const CallRecord& { return recorder_.call(i); });
    }
    if (moment.turns_seen != recorder_.turns_seen()) {
        moment.turns_seen = recorder_.turns_seen();
        copy_last(moment.turns, recorder_.turn_count(), options_.turns,
                  [&](std::size_t i) -> const TurnRecord& { return recorder_.turn(i); });
    }
    if (moment.changes_seen != recorder_.changes_seen()) {
        moment.changes_seen = recorder_.changes_seen();
        copy_last(moment.changes, recorder_.change_count(), options_.calls,
                  [&](std::size_t i) -> const ChangeRecord& { return recorder_.change(i); });
    }
    if (moment.errors_seen != recorder_.errors_seen()) {
        moment.errors_seen = recorder_.errors_seen();
        copy_last(moment.errors, recorder_.error_count(), options_.calls,
                  [&](std::size_t i) -> const ErrorRecord& { return recorder_.error(i); });
    }
    const auto points = recorder_.breakpoints().all();
    moment.breakpoints.assign(points.begin(), points.end());
    moment.hit = recorder_.breakpoints().last_hit();
    moment.triggered = recorder_.triggered();
    moment.triggered_by = recorder_.triggered_by();
}

void LocalSource::copy_summaries(Moment& moment) {
    const auto profiles = recorder_.profiles();
    moment.profiles.assign(profiles.begin(), profiles.end());
    moment.unprofiled = recorder_.unprofiled();
    moment.health = recorder_.health();
    const auto findings = linter_.findings();
    moment.findings.assign(findings.begin(), findings.end());
    // A breakpoint on lints: once for each that is new.
    for (const Finding& finding : findings) {
        if (!finding.active || finding.muted || finding.since <= found_since_) continue;
        CallRecord about;
        about.chain = finding.chain;
        about.kind = finding.kind;
        about.id = finding.id;
        about.fd = finding.fd;
        recorder_.breakpoints().found(about);
    }
    for (const Finding& finding : findings) found_since_ = std::max(found_since_, finding.since);
}

const Descriptor* LocalSource::describe(std::uint64_t, Fd fd, double) {
    described_ = ioloop::describe(fd);
    return &described_;
}

const char* LocalSource::refusal() const { return ioloop::refusal(loop_, closed_); }

Text LocalSource::request(const Command& command) {
    using Kind = Command::Kind;
    switch (command.kind) {
    case Kind::none: return {};
    case Kind::record: recorder_.set_recording(true); return "recording";
    case Kind::stop_recording:
        recorder_.set_recording(false);
        return "not recording any more: what there is stays";
    case Kind::clear:
        recorder_.clear();
        linter_.clear();
        summarized_at_ = -1;
        return "forgot what was recorded";
    case Kind::set_trigger:
        recorder_.set_trigger(command.trigger);
        return "waiting for the trigger: recording stops after it";
    case Kind::clear_trigger: recorder_.clear_trigger(); return "no trigger any more";
    case Kind::add_breakpoint:
        return recorder_.breakpoints().add(command.breakpoint)
                   ? "breakpoint set"
                   : "nothing done: it is there, or there are too many";
    case Kind::remove_breakpoint:
        return recorder_.breakpoints().remove(command.breakpoint)
                   ? "breakpoint removed"
                   : "nothing done: there is no such breakpoint";
    case Kind::mute:
    case Kind::unmute:
        linter_.set_muted(command.lint, command.kind == Kind::mute);
        summarized_at_ = -1;
        return Text(command.kind == Kind::mute ? "muted " : "unmuted ").add(text_of(command.lint).name);
    default: return run(command, loop_, fresh_);
    }
}

} // namespace ioloop
