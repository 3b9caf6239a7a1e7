// SPDX-License-Identifier: MIT
#include "../raise.hpp"
#include "evidence.hpp"

#include <ioloop/inspect/recorder.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace ioloop {

Recorder::Recorder() : Recorder(Options{}) {}

Recorder::Recorder(Options options)
    : calls_(options.calls),
      turns_(options.turns),
      changes_(options.changes),
      errors_(options.errors),
      lookup_(std::bit_ceil(std::max<std::size_t>(options.sites, 1) * 2)),
      evidence_(std::make_unique<Evidence>()),
      keep_empty_turns_(options.keep_empty_turns) {
    profiles_.reserve(options.sites);
}

Recorder::~Recorder() = default;

void Recorder::set_recording(bool on) noexcept {
    if (on && !recording_) triggered_ = false;
    recording_ = on;
}

void Recorder::clear() noexcept {
    calls_.clear();
    turns_.clear();
    changes_.clear();
    errors_.clear();
    turns_seen_ = empty_turns_seen_ = 0;
    profiles_.clear();
    last_ = nullptr;
    std::fill(lookup_.begin(), lookup_.end(), 0);
    unprofiled_ = 0;
    health_ = {};
    busy_in_frame_ = {};
    triggered_ = false;
}

// ---- profiles -----------------------------------------------------------------------------------

/// Where it is, or where it belongs. The table is at most half full, so there is an end to the search.
std::size_t Recorder::cell_of(SiteId site, CallKind kind) const noexcept {
    const std::size_t mask = lookup_.size() - 1;
    std::size_t cell =
        (static_cast<std::size_t>(site) * 4 + static_cast<std::size_t>(kind)) * 0x9E3779B1U & mask;
    for (;; cell = (cell + 1) & mask) {
        if (lookup_[cell] == 0) return cell;
        const SiteProfile& found = profiles_[lookup_[cell] - 1];
        if (found.site == site && found.kind == kind) return cell;
    }
}

const SiteProfile* Recorder::profile(SiteId site, CallKind kind) const noexcept {
    const std::uint32_t position = lookup_[cell_of(site, kind)];
    return position != 0 ? &profiles_[position - 1] : nullptr;
}

SiteProfile* Recorder::look_up(SiteId site, CallKind kind) noexcept {
    std::uint32_t& position = lookup_[cell_of(site, kind)];
    if (position == 0) {
        if (profiles_.size() == profiles_.capacity()) {
            ++unprofiled_;
            return nullptr;
        }
        SiteProfile& made = profiles_.emplace_back();
        made.site = site;
        made.kind = kind;
        position = static_cast<std::uint32_t>(profiles_.size());
    }
    return last_ = &profiles_[position - 1];
}

// ---- health -------------------------------------------------------------------------------------

Recorder::Health Recorder::health() const noexcept {
    Health sum = health_;
    for (const SiteProfile& profile : profiles_) {
        sum.calls.add(profile.took);
        if (profile.kind == CallKind::timeout) sum.lateness.add(profile.late);
        if (profile.kind == CallKind::callback) sum.queueing.add(profile.late);
    }
    return sum;
}

/// A call that no profile counts.
void Recorder::count_unprofiled(const CallRecord& record) noexcept {
    health_.calls.add(record.took);
    if (record.kind == CallKind::timeout) health_.lateness.add(record.late);
    if (record.kind == CallKind::callback) health_.queueing.add(record.late);
}

// ---- what the loop tells ------------------------------------------------------------------------

void Recorder::before_call(const CallRecord& record) { evidence_->before_call(record); }

void Recorder::after_call(const CallRecord& record) {
    breakpoints_.saw(record);
    evidence_->after_call(record);
    if (!recording_) return;
    calls_.push(record);
    if (armed_) look_for_trigger(record);

    SiteProfile* profile = profile_for(record.chain.site(), record.kind);
    if (profile == nullptr) return count_unprofiled(record);
    ++profile->calls;
    profile->threw += record.threw ? 1 : 0;
    profile->busy += record.took;
    profile->took.add(record.took);
    if (record.kind != CallKind::handler) profile->late.add(record.late);
    if (record.kind == CallKind::callback) ++profile->added;
    const bool by_itself = record.kind != CallKind::handler &&
                           (record.chain.sites[1] == record.chain.site() || profile->rearmed);
    profile->rearmed = std::exchange(profile->rearming, false);
    if (!by_itself) {
        profile->self_streak = 0;
    } else if (profile->last_turn != record.turn) {
        profile->self_streak = profile->last_turn + 1 == record.turn ? profile->self_streak + 1 : 1;
    }
    profile->last_turn = record.turn;
}

void Recorder::on_error(const CallRecord& record, const std::exception_ptr& error) {
    if (!recording_) return;
    ErrorRecord made;
    made.call = record;
#if IOLOOP_EXCEPTIONS
    made.dropped = record.kind == CallKind::handler && is_broken_pipe(error);
    const std::string what = message_of(error);
    const std::size_t size = std::min(what.size(), made.what.size() - 1);
    std::copy_n(what.begin(), size, made.what.begin());
#else
    static_cast<void>(error);
#endif
    errors_.push(made);
}

void Recorder::after_change(const ChangeRecord& record) {
    if (record.fd != invalid_fd && record.change == ChangeKind::added)
        evidence_->note_file(record.id, record.fd);
    if (!recording_) return;
    changes_.push(record);
    SiteProfile* profile = profile_for(record.chain.site(), record.kind);
    if (profile == nullptr) return;
    switch (record.change) {
    case ChangeKind::added: ++profile->added; break;
    case ChangeKind::moved:
        ++profile->moved;
        profile->rearming = record.by == record.chain.site();
        break;
    case ChangeKind::removed:
    case ChangeKind::died: ++profile->removed; break;
    }
}

void Recorder::after_turn(const TurnRecord& record) {
    evidence_->after_turn(record);
    if (!recording_) return;
    ++turns_seen_;
    const bool empty = record.handlers + record.callbacks + record.timeouts == 0;
    if (empty) ++empty_turns_seen_;
    if (!empty || keep_empty_turns_) turns_.push(record);
    if (record.waited > no_wait) health_.waits.add(record.waited);
    if (!empty) {
        const Duration busy = record.handlers_took + record.callbacks_took + record.timeouts_took;
        health_.turns.add(busy);
        busy_in_frame_ += busy;
    }
    if (triggered_ && (turns_left_ == 0 || --turns_left_ == 0)) recording_ = false;
}

void Recorder::begin_frame() noexcept {
    if (!recording_) return;
    health_.frames.add(busy_in_frame_);
    busy_in_frame_ = {};
}

// ---- the trigger --------------------------------------------------------------------------------

void Recorder::set_trigger(const Trigger& trigger) noexcept {
    trigger_ = trigger;
    armed_ = true;
    triggered_ = false;
    recording_ = true;
}

void Recorder::look_for_trigger(const CallRecord& record) noexcept {
    const bool met =
        record.took >= trigger_.slow_call || record.late >= trigger_.late || (trigger_.error && record.threw);
    if (!met) return;
    armed_ = false;
    triggered_ = true;
    triggered_by_ = record;
    turns_left_ = trigger_.more_turns + 1; // this turn's own report comes first
}

} // namespace ioloop
