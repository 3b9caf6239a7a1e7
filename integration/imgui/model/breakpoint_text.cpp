// SPDX-License-Identifier: MIT
#include "breakpoint_text.hpp"

#include "row_set.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop::imgui {
namespace {

Text quoted(const Origin& origin) { return Text("'").add(format_name(origin).view()).add("'"); }

template <class Infos> const Origin* find_origin(const Infos& infos, std::uint64_t id) {
    const auto found =
        std::find_if(infos.begin(), infos.end(), [&](const auto& info) { return id_of(info) == id; });
    return found != infos.end() ? &found->origin : nullptr;
}

const Origin* origin_of_object(const Snapshot& snapshot, CallKind kind, std::uint64_t id) {
    switch (kind) {
    case CallKind::handler: return find_origin(snapshot.handlers, id);
    case CallKind::timeout: return find_origin(snapshot.timeouts, id);
    case CallKind::callback: return find_origin(snapshot.callbacks, id);
    }
    return nullptr;
}

} // namespace

bool is_set(const Moment& moment, const Breakpoint& breakpoint) {
    const auto& points = moment.breakpoints;
    return std::find(points.begin(), points.end(), breakpoint) != points.end();
}

Text name_of(const Moment& moment, const Breakpoint& breakpoint) {
    switch (breakpoint.on) {
    case Breakpoint::On::object: {
        Text text(ioloop::name_of(breakpoint.kind));
        const Origin* origin = origin_of_object(moment.snapshot, breakpoint.kind, breakpoint.id);
        return text.add(" ").add(origin != nullptr ? quoted(*origin).view() : "that is gone");
    }
    case Breakpoint::On::site: {
        const Origin& origin = origin_of(breakpoint.site);
        return Text("site ").add(quoted(origin).view()).add(", ").add(format_place(origin).view());
    }
    case Breakpoint::On::error: return "a call that throws";
    case Breakpoint::On::slow:
        return Text("a call that takes ").add(format_duration(breakpoint.longer_than).view());
    case Breakpoint::On::lint: return "a lint that finds something";
    }
    return {};
}

Text reason_of(const Breakpoints::Hit& hit) {
    const CallRecord& call = hit.call;
    Text who(ioloop::name_of(call.kind));
    who.add(" ").add(quoted(call.chain.origin()).view());
    switch (hit.breakpoint.on) {
    case Breakpoint::On::object:
    case Breakpoint::On::site: return Text("before ").add(who.view());
    case Breakpoint::On::error: return who.add(" threw");
    case Breakpoint::On::slow: return who.add(" took ").add(format_duration(call.took).view());
    case Breakpoint::On::lint: return Text("a lint found something about ").add(who.view());
    }
    return who;
}

} // namespace ioloop::imgui
