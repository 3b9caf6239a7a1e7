// SPDX-License-Identifier: MIT
#include "lint_rules.hpp"

#include <algorithm>
#include <array>

namespace ioloop {
namespace {

/// What cause and symptom have to share.
enum class Same : std::uint8_t {
    object, ///< the handler
    site,   ///< the call site, whatever the object
    loop,   ///< nothing
};

struct Rule {
    Lint cause;
    Lint symptom;
    Same same;
};

/// All there is. Two more that need the history are where it is looked at: what runs late because of a slow call, or
/// because nobody ran the loop, is neither late-timer nor starvation (lint_delays.cpp).
constexpr std::array rules{
    // A number that stands for something else explains whatever its handler does.
    Rule{Lint::fd_reused, Lint::ghost_fd, Same::object},
    Rule{Lint::fd_reused, Lint::lost_fd, Same::object},
    Rule{Lint::fd_reused, Lint::busy_read, Same::object},
    Rule{Lint::fd_reused, Lint::write_spin, Same::object},
    Rule{Lint::fd_reused, Lint::hup_spin, Same::object},
    Rule{Lint::fd_reused, Lint::blocking_fd, Same::object},
    Rule{Lint::ghost_fd, Lint::lost_fd, Same::object},
    Rule{Lint::ghost_fd, Lint::busy_read, Same::object},
    Rule{Lint::ghost_fd, Lint::write_spin, Same::object},
    Rule{Lint::ghost_fd, Lint::hup_spin, Same::object},
    Rule{Lint::ghost_fd, Lint::blocking_fd, Same::object},
    Rule{Lint::lost_fd, Lint::busy_read, Same::object},
    Rule{Lint::lost_fd, Lint::write_spin, Same::object},
    Rule{Lint::lost_fd, Lint::hup_spin, Same::object},
    // Of the spinning ones: who does not read will not notice that the peer has gone.
    Rule{Lint::busy_read, Lint::hup_spin, Same::object},
    Rule{Lint::busy_read, Lint::write_spin, Same::object},
    Rule{Lint::hup_spin, Lint::write_spin, Same::object},
    // What spins takes all the time that there is.
    Rule{Lint::busy_read, Lint::over_budget, Same::loop},
    Rule{Lint::write_spin, Lint::over_budget, Same::loop},
    Rule{Lint::hup_spin, Lint::over_budget, Same::loop},
    Rule{Lint::repost_forever, Lint::over_budget, Same::loop},
    Rule{Lint::zero_timeout_loop, Lint::over_budget, Same::loop},
    // Time that is missed elsewhere.
    Rule{Lint::blocking_fd, Lint::slow_dispatch, Same::site},
    Rule{Lint::periodic_overrun, Lint::slow_dispatch, Same::site},
    Rule{Lint::periodic_overrun, Lint::over_budget, Same::loop},
    Rule{Lint::periodic_overrun, Lint::late_timer, Same::loop},
    Rule{Lint::periodic_overrun, Lint::starvation, Same::loop},
    Rule{Lint::slow_dispatch, Lint::over_budget, Same::loop},
    Rule{Lint::over_budget, Lint::late_timer, Same::loop},
    Rule{Lint::starvation, Lint::late_timer, Same::loop},
    Rule{Lint::not_pumped, Lint::late_timer, Same::loop},
    Rule{Lint::not_pumped, Lint::starvation, Same::loop},
    Rule{Lint::not_pumped, Lint::queue_growing, Same::loop},
    // Who schedules too much.
    Rule{Lint::queue_growing, Lint::repost_forever, Same::loop},
    Rule{Lint::queue_growing, Lint::starvation, Same::loop},
    Rule{Lint::queue_growing, Lint::over_budget, Same::loop},
    Rule{Lint::queue_growing, Lint::late_timer, Same::loop},
    Rule{Lint::zero_timeout_loop, Lint::timeout_storm, Same::site},
    Rule{Lint::zero_timeout_loop, Lint::repost_forever, Same::site},
    Rule{Lint::timer_leak, Lint::timeout_storm, Same::site},
    Rule{Lint::timeout_storm, Lint::late_timer, Same::loop},
    Rule{Lint::timeout_storm, Lint::over_budget, Same::loop},
};

bool have_in_common(const Finding& a, const Finding& b, Same what) noexcept {
    switch (what) {
    case Same::object: return a.kind == b.kind && a.id == b.id && a.id != 0;
    case Same::site: return a.chain.site() == b.chain.site();
    case Same::loop: break;
    }
    return true;
}

} // namespace

bool hides(const Finding& cause, const Finding& symptom) noexcept {
    return std::any_of(rules.begin(), rules.end(), [&](const Rule& rule) {
        return rule.cause == cause.lint && rule.symptom == symptom.lint &&
               have_in_common(cause, symptom, rule.same);
    });
}

} // namespace ioloop
