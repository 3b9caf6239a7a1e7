// SPDX-License-Identifier: MIT
#include "results.hpp"

#include "bench/table.hpp"
#include "goals.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>
#include <string_view>

namespace bench::peers {

namespace {

/// Three digits that matter.
std::string figure(double value) {
    if (value >= 1e6) return with_decimals(value / 1e6, value < 1e7 ? 2 : value < 1e8 ? 1 : 0) + " M";
    if (value >= 1e5) return with_decimals(value / 1e3, 0) + " k";
    return with_decimals(value, value < 10 ? 2 : value < 100 ? 1 : 0);
}

} // namespace

Results::Results(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
        if (std::find(scenarios_.begin(), scenarios_.end(), entry.scenario) == scenarios_.end())
            scenarios_.push_back(entry.scenario);
        const auto known = std::find_if(subjects_.begin(), subjects_.end(), [&](const Subject& subject) {
            return subject.name == entry.subject;
        });
        if (known == subjects_.end()) subjects_.push_back({entry.subject, entry.kind});
    }
}

void Results::add(const Entry& entry, const Reading& reading) {
    readings_[{entry.scenario, entry.subject}].push_back(reading);
}

void Results::fail(const Entry& entry, std::string why) {
    failures_.push_back(entry.scenario + ", " + entry.subject + ": " + std::move(why));
    readings_.erase({entry.scenario, entry.subject});
}

const std::vector<Reading>* Results::readings(const std::string& scenario, const std::string& subject) const {
    const auto found = readings_.find({scenario, subject});
    return found != readings_.end() ? &found->second : nullptr;
}

double Results::median(const std::string& scenario, const std::string& subject, double Reading::*what) const {
    const std::vector<Reading>* const all = readings(scenario, subject);
    if (all == nullptr) return -1;
    std::vector<double> values;
    for (const Reading& reading : *all) values.push_back(reading.*what);
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

const Results::Subject* Results::best_peer(const std::string& scenario) const {
    const Subject* best = nullptr;
    double least = 0;
    for (const Subject& subject : subjects_) {
        const double value = subject.kind == Kind::peer ? median(scenario, subject.name) : -1;
        if (value >= 0 && (best == nullptr || value < least)) {
            best = &subject;
            least = value;
        }
    }
    return best;
}

void Results::print_figures(std::ostream& out, const char* title, double Reading::*what,
                            bool only_if_any) const {
    const bool times = what == &Reading::nanoseconds;
    Table::Row head{"scenario"};
    for (const Subject& subject : subjects_) head.push_back(subject.name);
    if (times) head.insert(head.end(), {"best peer", "ioloop to it"});
    Table table(title, std::move(head));
    for (const std::string& scenario : scenarios_) {
        Table::Row row{scenario};
        bool any = false;
        for (const Subject& subject : subjects_) {
            const double value = median(scenario, subject.name, what);
            any = any || value >= 0.005;
            row.push_back(readings(scenario, subject.name) == nullptr ? "" : figure(value));
        }
        if (only_if_any && !any) continue;
        if (times) {
            const Subject* const best = best_peer(scenario);
            const double ours = median(scenario, "ioloop");
            row.push_back(best != nullptr ? best->name : "");
            row.push_back(best != nullptr && ours >= 0 ? with_decimals(ours / median(scenario, best->name), 3)
                                                       : "");
        }
        table.add(std::move(row));
    }
    table.print_markdown(out);
}

void Results::print_goals(std::ostream& out) const {
    Table table("Goals", {"scenario", "subject", "ns", "against", "its ns", "ratio", "goal", "verdict"});
    for (const Goal& goal : goals) {
        const double ours = median(goal.scenario, goal.subject);
        std::string against = goal.against;
        double theirs = 1;
        if (against == Goal::best_peer) {
            const Subject* const best = best_peer(goal.scenario);
            against = best != nullptr ? best->name : "";
        }
        if (against != Goal::nanoseconds) theirs = median(goal.scenario, against);
        if (ours < 0 || theirs < 0) continue;
        const double ratio = ours / theirs;
        const double over = ratio / goal.at_most;
        const bool absolute = against == Goal::nanoseconds;
        table.add({goal.scenario, goal.subject, figure(ours), absolute ? "" : against,
                   absolute ? "" : figure(theirs), absolute ? "" : with_decimals(ratio, 3),
                   absolute ? figure(goal.at_most) + " ns" : with_decimals(goal.at_most, 3),
                   over <= 1 ? "met" : "MISSED by " + with_decimals((over - 1) * 100, 0) + " %"});
    }
    table.print_markdown(out);
}

void Results::print_markdown(std::ostream& out) const {
    print_figures(out, "Nanoseconds an operation", &Reading::nanoseconds, false);
    print_goals(out);
    print_figures(out, "p99 where each operation was timed on its own, ns", &Reading::p99, true);
    print_figures(out, "Heap allocations an operation, where anybody makes some", &Reading::allocations,
                  true);

    bool any_early = false;
    Table early("Timers that were early, by ns", {"scenario", "subject", "by"});
    for (const auto& [cell, all] : readings_) {
        double least = 0;
        for (const Reading& reading : all) least = std::min(least, reading.least);
        if (least < 0 && cell.first.starts_with("lateness")) {
            any_early = true;
            early.add({cell.first, cell.second, figure(-least)});
        }
    }
    if (any_early) early.print_markdown(out);
    if (!failures_.empty()) out << "\nWRONG RESULTS\n";
    for (const std::string& failure : failures_) out << "- " << failure << '\n';
}

void Results::print_json(std::ostream& out) const {
    Table table("peers", {"scenario", "subject", "kind", "ns", "least_ns", "most_ns", "p99_ns", "allocations",
                          "operations", "repetitions"});
    constexpr const char* kinds[] = {"own", "variant", "peer", "floor"};
    for (const std::string& scenario : scenarios_) {
        for (const Subject& subject : subjects_) {
            const std::vector<Reading>* const all = readings(scenario, subject.name);
            if (all == nullptr) continue;
            const auto [least, most] =
                std::minmax_element(all->begin(), all->end(), [](const Reading& a, const Reading& b) {
                    return a.nanoseconds < b.nanoseconds;
                });
            table.add({scenario, subject.name, kinds[static_cast<int>(subject.kind)],
                       with_decimals(median(scenario, subject.name), 3), with_decimals(least->nanoseconds, 3),
                       with_decimals(most->nanoseconds, 3),
                       with_decimals(median(scenario, subject.name, &Reading::p99), 1),
                       with_decimals(median(scenario, subject.name, &Reading::allocations), 4),
                       std::to_string(all->front().operations), std::to_string(all->size())});
        }
    }
    table.print_json(out);
    out << '\n';
}

} // namespace bench::peers
