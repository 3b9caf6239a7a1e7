// SPDX-License-Identifier: MIT
#include "history.hpp"

#include "sum.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <array>
#include <string_view>

namespace ioloop::imgui {
namespace {

bool passes(const CallRecord& call, const Filter& filter) {
    const Origin& origin = call.chain.origin();
    if (filter.hides(origin)) return false;
    if (filter.empty()) return true;
    const Text name = format_name(origin);
    const Text place = format_place(origin);
    Text number;
    if (call.fd != invalid_fd) number.add("fd ").add(static_cast<std::uint64_t>(call.fd));
    const std::array<std::string_view, 5> fields{name.view(), place.view(), name_of(call.kind), number.view(),
                                                 call.threw ? "threw" : ""};
    return filter.passes(fields);
}

/// For whoever reads a list of what ran. Callbacks have a new id each time, so the site speaks for them.
bool same(const CallRecord& a, const CallRecord& b) {
    return a.kind == b.kind && a.chain.site() == b.chain.site() && a.fd == b.fd && a.events == b.events &&
           a.threw == b.threw && a.depth == b.depth;
}

} // namespace

void History::update(const View& view, const Filter& filter, bool held) {
    const bool refiltered = filter_version_ != filter.version();
    const bool news = calls_seen_ != view.moment().calls_seen && !held;
    if (!refiltered && !news) return;
    filter_version_ = filter.version();
    if (news) {
        calls_seen_ = view.moment().calls_seen;
        source_.assign(view.calls().begin(), view.calls().end());
    }
    rows_.clear();
    calls_ = 0;
    for (auto call = source_.rbegin(); call != source_.rend(); ++call) {
        if (!passes(*call, filter)) continue;
        ++calls_;
        if (rows_.empty() || !same(rows_.back().last, *call)) {
            rows_.push_back({*call, 1, call->took, call->took, call->late});
            continue;
        }
        Row& row = rows_.back();
        ++row.count;
        row.took = sum(row.took, call->took);
        row.longest = std::max(row.longest, call->took);
        row.latest = std::max(row.latest, call->late);
    }
}

} // namespace ioloop::imgui
