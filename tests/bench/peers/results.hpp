// SPDX-License-Identifier: MIT
/// Results: what was measured, and the tables that are made of it.
#pragma once

#include "case.hpp"

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bench::peers {

/// One repetition, an operation: the mean, or the median where each was timed on its own.
struct Reading {
    double nanoseconds = 0;
    double p99 = 0; ///< of those
    double least = 0;
    double allocations = 0;
    std::uint64_t operations = 0;
};

class Results {
public:
    explicit Results(const std::vector<Entry>& entries);

    void add(const Entry& entry, const Reading& reading);
    void fail(const Entry& entry, std::string why);
    bool failed() const noexcept { return !failures_.empty(); }

    void print_markdown(std::ostream& out) const;
    void print_json(std::ostream& out) const;

private:
    using Cell = std::pair<std::string, std::string>; // scenario, subject
    struct Subject {
        std::string name;
        Kind kind;
    };

    const std::vector<Reading>* readings(const std::string& scenario, const std::string& subject) const;
    /// The median of the repetitions; negative if there is none.
    double median(const std::string& scenario, const std::string& subject,
                  double Reading::*what = &Reading::nanoseconds) const;
    const Subject* best_peer(const std::string& scenario) const;
    void print_figures(std::ostream& out, const char* title, double Reading::*what, bool only_if_any) const;
    void print_goals(std::ostream& out) const;

    std::vector<std::string> scenarios_;
    std::vector<Subject> subjects_;
    std::map<Cell, std::vector<Reading>> readings_;
    std::vector<std::string> failures_;
};

} // namespace bench::peers
