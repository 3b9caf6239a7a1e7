// SPDX-License-Identifier: MIT
#include "findings.hpp"

#include "lint_rules.hpp"

#include <algorithm>

namespace ioloop {
namespace {

bool is_same(const Finding& a, const Finding& b) noexcept {
    return a.lint == b.lint && a.kind == b.kind && a.chain.site() == b.chain.site();
}

/// The worst first: active before past, then by severity, then the newest.
bool is_worse(const Finding& a, const Finding& b) noexcept {
    if (a.active != b.active) return a.active;
    if (a.severity != b.severity) return a.severity > b.severity;
    if (a.since != b.since) return a.since > b.since;
    return a.lint < b.lint;
}

} // namespace

Findings::Findings() {
    round_.reserve(most);
    episodes_.reserve(most);
    shown_.reserve(most);
}

void Findings::begin_round() noexcept { round_.clear(); }

void Findings::saw(const Finding& finding) noexcept {
    // A few objects of one site are kept apart until it is known what hides what; of the rest the number is enough.
    constexpr std::ptrdiff_t apart = 8;
    const auto same = [&](const Sighting& seen) { return is_same(seen.finding, finding); };
    const auto first = std::find_if(round_.begin(), round_.end(), same);
    if (first != round_.end() && std::count_if(first, round_.end(), same) >= apart) {
        ++first->others;
    } else if (round_.size() < round_.capacity()) {
        round_.push_back({finding, 0});
    }
}

void Findings::end_round(TimePoint now, Duration uptime) noexcept {
    drop_symptoms();
    for (auto each = round_.begin(); each != round_.end(); ++each) {
        const auto same = [&](const Sighting& other) { return is_same(other.finding, each->finding); };
        if (std::any_of(round_.begin(), each, same)) continue; // it was merged with the first one
        Sighting merged = *each;
        merged.others += static_cast<std::uint64_t>(std::count_if(each + 1, round_.end(), same));
        merge(merged, now, uptime);
    }
    bool changed = !round_.empty();
    for (Episode& episode : episodes_) {
        if (!episode.finding.active || uptime - episode.seen < memory) continue;
        episode.finding.active = false;
        changed = true;
    }
    if (changed) show();
}

/// Those of this round, and those found before that now turn out to be symptoms.
void Findings::drop_symptoms() noexcept {
    const auto hidden = [&](const Finding& symptom) {
        return std::any_of(round_.begin(), round_.end(),
                           [&](const Sighting& cause) { return hides(cause.finding, symptom); }) ||
               std::any_of(episodes_.begin(), episodes_.end(), [&](const Episode& cause) {
                   return cause.finding.active && hides(cause.finding, symptom);
               });
    };
    // Marked first: a symptom may be the cause of another one.
    for (Sighting& sighting : round_) sighting.finding.active = !hidden(sighting.finding);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < episodes_.size(); ++i) {
        const bool drop = episodes_[i].finding.active && hidden(episodes_[i].finding);
        if (drop) continue;
        if (kept != i) episodes_[kept] = episodes_[i];
        ++kept;
    }
    if (kept != episodes_.size()) {
        episodes_.resize(kept);
        show();
    }
    std::erase_if(round_, [](const Sighting& sighting) { return !sighting.finding.active; });
}

void Findings::merge(const Sighting& sighting, TimePoint now, Duration uptime) noexcept {
    auto episode = std::find_if(episodes_.begin(), episodes_.end(), [&](const Episode& known) {
        return known.finding.active && is_same(known.finding, sighting.finding);
    });
    if (episode == episodes_.end()) {
        if (episodes_.size() == most) {
            // The least of them makes room: the oldest of the past, or else of the least severe.
            const auto least =
                std::max_element(episodes_.begin(), episodes_.end(), [](const Episode& a, const Episode& b) {
                    return is_worse(a.finding, b.finding);
                });
            episodes_.erase(least);
        }
        episodes_.push_back({sighting.finding, uptime});
        episode = episodes_.end() - 1;
        episode->finding.since = now;
        episode->finding.severity = text_of(sighting.finding.lint).severity;
    }
    Finding& finding = episode->finding;
    finding.kind = sighting.finding.kind;
    finding.id = sighting.finding.id;
    finding.fd = sighting.finding.fd;
    finding.chain = sighting.finding.chain;
    finding.count = sighting.finding.count;
    finding.sentence = sighting.finding.sentence;
    if (sighting.others > 0)
        finding.sentence.add(" (and ").add(sighting.others).add(" more of this call site)");
    finding.last = now;
    finding.active = true;
    episode->seen = uptime;
}

void Findings::show() noexcept {
    ++version_;
    shown_.clear();
    for (const Episode& episode : episodes_) {
        shown_.push_back(episode.finding);
        shown_.back().muted = muted(episode.finding.lint);
    }
    std::sort(shown_.begin(), shown_.end(), is_worse);
}

void Findings::set_muted(Lint lint, bool muted) noexcept {
    muted_[static_cast<std::size_t>(lint)] = muted;
    show();
}

void Findings::clear() noexcept {
    episodes_.clear();
    show();
}

} // namespace ioloop
