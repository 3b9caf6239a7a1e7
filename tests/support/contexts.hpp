// SPDX-License-Identifier: MIT
/// Contexts: the fixture of what is tested about contexts: some that have names.
#pragma once

#include "support/sim_loop.hpp"

#include <exception>
#include <string>
#include <utility>
#include <vector>

struct Contexts : SimLoop {
    using Names = std::vector<std::string>;

    /// A context that keeps its name in `active` while something runs in it.
    auto named(std::string name) {
        struct Guard {
            Guard(std::vector<std::string>& a, const std::string& n) : active(a) { active.push_back(n); }
            Guard(const Guard&) = delete;
            Guard& operator=(const Guard&) = delete;
            ~Guard() { active.pop_back(); }
            std::vector<std::string>& active;
        };
        return [this, name = std::move(name)] { return Guard(active, name); };
    }
    auto note_active() {
        return [this] { seen.push_back(active); };
    }
    auto swallow(std::string who) {
        return [this, who = std::move(who)](const std::exception_ptr&) {
            caught.push_back(who);
            return true;
        };
    }
    auto pass_on(std::string who) {
        return [this, who = std::move(who)](const std::exception_ptr&) {
            caught.push_back(who);
            return false;
        };
    }

    Names active;            ///< outermost first
    std::vector<Names> seen; ///< what was active when note_active() was called
    Names caught;            ///< which handlers have seen an exception
};
