// SPDX-License-Identifier: MIT
/// Subject: what a finding, a change or a call is about: one object of the loop, or all of a call site.
#pragma once

#include "row_set.hpp"

#include <ioloop/inspect/lint.hpp>
#include <ioloop/observer.hpp>
#include <ioloop/site.hpp>
#include <ioloop/snapshot.hpp>
#include <ioloop/turn.hpp>

#include <cstdint>

namespace ioloop::imgui {

/// All of one kind that was registered at one place: a row among the sites.
struct SiteKey {
    SiteId site = SiteId::none;
    CallKind kind = CallKind::callback;

    friend bool operator==(SiteKey, SiteKey) = default;
};
inline std::uint64_t id_of(SiteKey key) {
    return (std::uint64_t{static_cast<std::uint32_t>(key.site)} << 2U) | static_cast<std::uint64_t>(key.kind);
}

struct Subject {
    SiteKey site;
    std::uint64_t id = 0;     ///< of the object, as CallRecord::id
    bool all_of_site = false; ///< no object, but whatever is of the site

    friend bool operator==(const Subject&, const Subject&) = default;
};

inline Subject subject_of(const HandlerInfo& info) {
    return {{info.chain.site(), CallKind::handler}, id_of(info)};
}
inline Subject subject_of(const TimeoutInfo& info) {
    return {{info.chain.site(), CallKind::timeout}, id_of(info)};
}
inline Subject subject_of(const CallbackInfo& info) {
    return {{info.chain.site(), CallKind::callback}, id_of(info)};
}
inline Subject subject_of(const CallRecord& call) { return {{call.chain.site(), call.kind}, call.id}; }
inline Subject subject_of(const ChangeRecord& change) {
    return {{change.chain.site(), change.kind}, change.id};
}
inline Subject subject_of(const Finding& finding) {
    return {{finding.chain.site(), finding.kind}, finding.id, finding.id == 0};
}

} // namespace ioloop::imgui
