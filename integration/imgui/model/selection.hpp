// SPDX-License-Identifier: MIT
/// Selection: the one thing that was clicked, as last seen. It stays when the thing is gone.
#pragma once

#include "row_set.hpp"

#include <ioloop/observer.hpp>
#include <ioloop/snapshot.hpp>

#include <algorithm>
#include <cstdint>

namespace ioloop::imgui {

struct Selection {
    enum class Kind : std::uint8_t { none, handler, timeout, queued, call, turn };

    Kind kind = Kind::none;
    bool gone = false;
    HandlerInfo handler;
    TimeoutInfo timeout;
    CallbackInfo queued;
    CallRecord call;
    TurnRecord turn;

    void clear() { kind = Kind::none; }
    void select(const HandlerInfo& info) { handler = info, begin(Kind::handler); }
    void select(const TimeoutInfo& info) { timeout = info, begin(Kind::timeout); }
    void select(const CallbackInfo& info) { queued = info, begin(Kind::queued); }
    void select(const CallRecord& record) { call = record, begin(Kind::call); }
    void select(const TurnRecord& record) { turn = record, begin(Kind::turn); }

    bool is(const HandlerInfo& info) const { return is_object(CallKind::handler, info.id); }
    bool is(const TimeoutInfo& info) const { return is_object(CallKind::timeout, id_of(info)); }
    bool is(const CallbackInfo& info) const { return is_object(CallKind::callback, info.id); }
    /// The call that was clicked, or one of the object that was.
    bool is(const CallRecord& record) const {
        if (kind == Kind::call) return is_same(record, call);
        return kind == Kind::turn ? record.turn == turn.turn : is_object(record.kind, record.id);
    }
    bool is(const TurnRecord& record) const {
        if (kind == Kind::call) return record.turn == call.turn;
        return kind == Kind::turn && record.turn == turn.turn;
    }

    /// Looks the object up in the view.
    void refresh(const Snapshot& snapshot) {
        if (kind == Kind::handler) refresh(snapshot.handlers, handler);
        if (kind == Kind::timeout) refresh(snapshot.timeouts, timeout);
        if (kind == Kind::queued) refresh(snapshot.callbacks, queued);
    }

private:
    void begin(Kind what) { kind = what, gone = false; }
    bool is_object(CallKind what, std::uint64_t id) const {
        switch (kind) {
        case Kind::handler: return what == CallKind::handler && handler.id == id;
        case Kind::timeout: return what == CallKind::timeout && id_of(timeout) == id;
        case Kind::queued: return what == CallKind::callback && queued.id == id;
        case Kind::call: return call.kind == what && call.id == id;
        default: return false;
        }
    }
    static bool is_same(const CallRecord& a, const CallRecord& b) {
        return a.kind == b.kind && a.id == b.id && a.turn == b.turn && a.begin == b.begin;
    }
    template <class Infos, class Info> void refresh(const Infos& infos, Info& info) {
        const auto found = std::find_if(infos.begin(), infos.end(),
                                        [&](const Info& other) { return id_of(other) == id_of(info); });
        gone = found == infos.end();
        if (!gone) info = *found;
    }
};

} // namespace ioloop::imgui
