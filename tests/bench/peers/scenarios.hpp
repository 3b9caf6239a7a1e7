// SPDX-License-Identifier: MIT
/// All scenarios, in the order in which they are shown; each subject enrols for those that it can do.
#pragma once

#include "case.hpp"
#include "churn.hpp"
#include "descriptors.hpp"
#include "subject.hpp"
#include "threads.hpp"
#include "timers.hpp"
#include "traffic.hpp"
#include "turns.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <regex>
#include <string>
#include <utility>

namespace bench::peers {

/// Adds the scenarios whose names match to a registry.
class Enrolment {
public:
    Enrolment(Registry& registry, std::string subject, Kind kind, const char* scenarios = ".*")
        : registry_(registry),
          subject_(std::move(subject)),
          kind_(kind),
          scenarios_(scenarios) {}

    template <class C, class... Args>
    void add(const std::string& scenario, std::uint64_t least, Args... args) {
        if (!std::regex_search(scenario, scenarios_)) return;
        registry_.add({scenario, subject_, kind_, least, [=] { return std::make_unique<C>(args...); }});
    }
    bool is_own() const noexcept { return kind_ == Kind::own; }

private:
    Registry& registry_;
    std::string subject_;
    Kind kind_;
    std::regex scenarios_;
};

constexpr std::size_t chain_ends(std::size_t wanted, std::size_t descriptors) {
    return std::min(wanted, descriptors / 2);
}

template <class S> void enrol_turns(Enrolment to) {
    for (const std::size_t fds : {1U, 100U, 1000U, 10000U}) {
        for (const std::size_t timers : {0U, 1000U, 1'000'000U}) {
            const bool unusual = timers > 1000 && !(to.is_own() && fds == 1000);
            if (unusual || fds > most_descriptors<S>() || fds > descriptors_to_use()) continue;
            to.add<IdlePump<S>>("idle_pump K=" + std::to_string(fds) + " T=" + std::to_string(timers), 1, fds,
                                timers);
        }
    }
    to.add<IdlePumpCold<S>>("idle_pump_cold K=100 T=100", 20, std::size_t{100}, std::size_t{100});
    for (const std::uint64_t batch : {1U, 64U, 1024U, 10'000'000U}) {
        if (batch <= 1024 || to.is_own())
            to.add<Posts<S, false>>("post B=" + std::to_string(batch), batch, batch);
    }
    for (const std::uint64_t batch : {1U, 64U, 1024U})
        to.add<Posts<S, true>>("post_threadsafe B=" + std::to_string(batch), batch, batch);
    for (const std::uint64_t producers : {1U, 2U})
        to.add<CrossThread<S>>("cross_thread P=" + std::to_string(producers), 100'000, producers);
    to.add<PostSeen<S, false>>("post_to_pumped", 500);
    to.add<PostSeen<S, true>>("wake_blocked", 150);
}

template <class S> void enrol_timers(Enrolment to) {
    const auto fits = [&](std::size_t count) { return count <= most_timers<S>(); };
    for (const std::size_t pending : {1000U, 100'000U, 1'000'000U}) {
        if (fits(pending) && (pending < 1'000'000 || to.is_own()))
            to.add<ArmCancel<S>>("arm_cancel N=" + std::to_string(pending), 64, pending);
    }
    for (const std::size_t count : {1000U, 100'000U}) {
        if (count <= most_fired<S>()) to.add<ArmFire<S>>("arm_fire N=" + std::to_string(count), count, count);
    }
    for (const std::size_t pending : {1000U, 100'000U}) {
        if (fits(pending)) to.add<Rearm<S>>("rearm N=" + std::to_string(pending), 64, pending);
    }
}

template <class S> void enrol_descriptors(Enrolment to) {
    for (const std::size_t wanted : {100U, 1000U, 10000U}) {
        const std::size_t pairs = chain_ends(wanted, descriptors_to_use());
        if (pairs > most_descriptors<S>()) continue;
        for (const std::size_t active : {1U, 100U})
            to.add<Chain<S>>("fd_chain N=" + std::to_string(wanted) + " M=" + std::to_string(active), active,
                             pairs, active);
    }
    to.add<PingPong<S>>("ping_pong", 1);
    to.add<AddRemove<S>>("add_remove", 64);
    to.add<Toggle<S, false>>("toggle", 64);
    to.add<Toggle<S, true>>("toggle_seen", 1);
    to.add<Connection<S>>("connection", 1);
    for (const std::size_t active : {4U, 0U})
        to.add<GameFrame<S>>("game_frame active=" + std::to_string(active), 1, active);
}

template <class S> void enrol_durations(Enrolment to) {
    using Microseconds = std::chrono::microseconds;
    to.add<Lateness<S>>("lateness 1 ms", 20, Duration(Microseconds(1000)));
    to.add<Lateness<S>>("lateness 4.2 ms", 10, Duration(Microseconds(4200)));
    to.add<Lateness<S>>("lateness 16.67 ms", 5, Duration(Microseconds(16'670)));
    to.add<Backlog<S>>("backlog 2000 x 50 us", 1);
}

template <class S> void enrol(const Enrolment& to) {
    enrol_turns<S>(to);
    enrol_timers<S>(to);
    enrol_descriptors<S>(to);
    enrol_durations<S>(to);
}

// ---- each in a file of its own; those of peers are there if the peer is -------------------------

void enrol_ioloop(Registry& registry);
void enrol_bare(Registry& registry);
void enrol_libuv(Registry& registry);
void enrol_libev(Registry& registry);
void enrol_libevent(Registry& registry);
void enrol_asio(Registry& registry);
void enrol_glib(Registry& registry);
void enrol_sd_event(Registry& registry);

} // namespace bench::peers
