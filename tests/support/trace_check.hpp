// SPDX-License-Identifier: MIT
/// trace_check: whether a trace in Chrome's format is one that a viewer shows as it is meant.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace trace_check {

using Json = nlohmann::json;

/// In nanoseconds, as the format's microseconds have three decimals.
inline std::int64_t time_of(const Json& event, const char* key) {
    return std::llround(event.at(key).get<double>() * 1000);
}

struct Slice {
    std::int64_t begin;
    std::int64_t end;
    std::string name;
    std::string cat;
};

/// What is wrong with it, one sentence each; nothing is what one wants.
class Checker {
public:
    std::vector<std::string> faults;

    explicit Checker(const Json& trace) {
        if (!trace.is_object() || !trace.contains("traceEvents") || !trace["traceEvents"].is_array()) {
            faults.emplace_back("no traceEvents");
            return;
        }
        for (const Json& event : trace["traceEvents"]) {
            try {
                take(event);
            } catch (const Json::exception& error) {
                complain(error.what(), event);
            }
        }
        check_nesting();
        check_flows();
        for (const std::int64_t lane : lanes_used_) {
            if (!lanes_named_.contains(lane))
                faults.push_back("lane " + std::to_string(lane) + " has no name");
        }
    }

private:
    struct Flow {
        std::vector<Json> starts;
        std::vector<Json> finishes;
    };

    void complain(const std::string& what, const Json& event) {
        faults.push_back(what + ": " + event.dump(-1, ' ', false, Json::error_handler_t::replace));
    }

    void take(const Json& event) {
        const std::string phase = event.at("ph");
        (void)event.at("pid").get<std::int64_t>();
        if (event.at("name").get<std::string>().empty()) complain("no name", event);
        if (phase == "M") {
            if (event["name"] == "thread_name") lanes_named_.insert(event.at("tid").get<std::int64_t>());
            if (event.at("args").empty()) complain("names nothing", event);
            return;
        }
        if (time_of(event, "ts") < 0) complain("before the beginning", event);
        if (phase == "C") {
            if (event.at("args").empty()) complain("counts nothing", event);
            for (const auto& [key, value] : event.at("args").items()) {
                if (!value.is_number() || value.get<double>() < 0) complain("no count", event);
            }
        } else if (phase == "X") {
            take_slice(event);
        } else if (phase == "s" || phase == "f") {
            (void)event.at("cat").get<std::string>();
            Flow& flow = flows_[event.at("id").get<std::int64_t>()];
            (phase == "s" ? flow.starts : flow.finishes).push_back(event);
        } else {
            complain("an unknown phase", event);
        }
    }

    void take_slice(const Json& event) {
        const std::int64_t lane = event.at("tid").get<std::int64_t>();
        const std::int64_t begin = time_of(event, "ts");
        const std::int64_t length = time_of(event, "dur");
        const std::string cat = event.at("cat");
        if (length < 0) complain("ends before it begins", event);
        lanes_used_.insert(lane);
        slices_[lane].push_back({begin, begin + length, event["name"], cat});

        static const std::map<std::string, std::vector<const char*>> wanted{
            {"turn",
             {"turn", "reason", "waited_us", "handlers", "callbacks", "timeouts", "handlers_us",
              "callbacks_us", "timeouts_us", "queued_after", "pieces"}},
            {"wait", {"reason"}},
            {"post", {"id", "at", "function", "chain"}},
            {"handler",
             {"id", "turn", "depth", "late_us", "threw", "at", "function", "chain", "fd", "events"}},
            {"callback", {"id", "turn", "depth", "late_us", "threw", "at", "function", "chain"}},
            {"timeout", {"id", "turn", "depth", "late_us", "threw", "at", "function", "chain"}}};
        const auto keys = wanted.find(cat);
        if (keys == wanted.end()) return complain("an unknown category", event);
        for (const char* key : keys->second) {
            if (!event.at("args").contains(key)) complain(std::string("no ") + key, event);
        }
    }

    void check_nesting() {
        for (auto& [lane, slices] : slices_) {
            std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) {
                return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
            });
            std::vector<const Slice*> open;
            for (const Slice& slice : slices) {
                while (!open.empty() && open.back()->end <= slice.begin) open.pop_back();
                if (!open.empty() && open.back()->end < slice.end) {
                    faults.push_back("'" + slice.name + "' in lane " + std::to_string(lane) + " at " +
                                     std::to_string(slice.begin) + " ns ends after '" + open.back()->name +
                                     "', in which it began");
                }
                open.push_back(&slice);
            }
        }
    }

    /// Whether some slice of the event's lane is under way then; one of `cat` that begins then, if that is given.
    bool in_slice(const Json& event, const std::string& cat = {}) const {
        const auto lane = slices_.find(event.at("tid").get<std::int64_t>());
        if (lane == slices_.end()) return false;
        const std::int64_t at = time_of(event, "ts");
        return std::any_of(lane->second.begin(), lane->second.end(), [&](const Slice& s) {
            return cat.empty() ? s.begin <= at && at <= s.end : s.begin == at && s.cat == cat;
        });
    }

    void check_flows() {
        for (const auto& [id, flow] : flows_) {
            const std::string name = "flow " + std::to_string(id);
            if (flow.starts.size() != 1 || flow.finishes.size() != 1) {
                faults.push_back(name + " has " + std::to_string(flow.starts.size()) + " beginnings and " +
                                 std::to_string(flow.finishes.size()) + " ends");
                continue;
            }
            const Json& start = flow.starts.front();
            const Json& finish = flow.finishes.front();
            if (start["name"] != finish["name"] || start["cat"] != finish["cat"])
                complain(name + " has two names", finish);
            if (time_of(start, "ts") > time_of(finish, "ts"))
                complain(name + " ends before it begins", finish);
            if (!in_slice(start)) complain(name + " begins nowhere", start);
            if (!in_slice(finish, "callback"))
                complain(name + " does not end where a callback begins", finish);
            if (finish.value("bp", "") != "e") complain(name + " ends in the slice after", finish);
        }
    }

    std::map<std::int64_t, std::vector<Slice>> slices_; ///< by lane
    std::map<std::int64_t, Flow> flows_;
    std::set<std::int64_t> lanes_used_;
    std::set<std::int64_t> lanes_named_;
};

inline std::vector<std::string> faults_of(const Json& trace) { return Checker(trace).faults; }

/// The events of a phase, and of a name or category if one is given.
inline std::vector<Json> events_of(const Json& trace, const std::string& phase,
                                   const std::string& what = {}) {
    std::vector<Json> found;
    for (const Json& event : trace.at("traceEvents")) {
        if (event.at("ph") != phase) continue;
        if (what.empty() || event.at("name") == what || event.value("cat", "") == what)
            found.push_back(event);
    }
    return found;
}

} // namespace trace_check
