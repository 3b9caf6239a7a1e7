// SPDX-License-Identifier: MIT
/// Selection: the one thing that was clicked, as last seen. It stays when the thing is gone.
#pragma once

#include "row_set.hpp"
#include "subject.hpp"

#include <ioloop/inspect/moment.hpp>
#include <ioloop/observer.hpp>
#include <ioloop/snapshot.hpp>

#include <algorithm>
#include <cstdint>

namespace ioloop::imgui {

struct Selection {
    enum class Kind : std::uint8_t { none, handler, timeout, queued, call, turn, site };

    Kind kind = Kind::none;
    bool gone = false;
    HandlerInfo handler;
    TimeoutInfo timeout;
    CallbackInfo queued;
    CallRecord call;
    TurnRecord turn;
    SiteKey site;

    void clear() { kind = Kind::none; }
    void select(const HandlerInfo& info) { handler = info, begin(Kind::handler); }
    void select(const TimeoutInfo& info) { timeout = info, begin(Kind::timeout); }
    void select(const CallbackInfo& info) { queued = info, begin(Kind::queued); }
    void select(const CallRecord& record) { call = record, begin(Kind::call); }
    void select(const TurnRecord& record) { turn = record, begin(Kind::turn); }
    void select(SiteKey key) { site = key, begin(Kind::site); }
    /// The object; if the loop has it no more, the last call of it; else its call site. If none of them is
    /// known, nothing changes.
    void select(const Subject& subject, const Moment& moment);

    bool is(const HandlerInfo& info) const { return is(subject_of(info)); }
    bool is(const TimeoutInfo& info) const { return is(subject_of(info)); }
    bool is(const CallbackInfo& info) const { return is(subject_of(info)); }
    /// The call that was clicked, or one of the object or the site that was.
    bool is(const CallRecord& record) const {
        if (kind == Kind::call) return is_same(record, call);
        return kind == Kind::turn ? record.turn == turn.turn : is(subject_of(record));
    }
    bool is(const TurnRecord& record) const {
        if (kind == Kind::call) return record.turn == call.turn;
        return kind == Kind::turn && record.turn == turn.turn;
    }
    /// The site that was clicked, or that of the object or the call that was.
    bool is(SiteKey key) const {
        switch (kind) {
        case Kind::handler: return subject_of(handler).site == key;
        case Kind::timeout: return subject_of(timeout).site == key;
        case Kind::queued: return subject_of(queued).site == key;
        case Kind::call: return subject_of(call).site == key;
        case Kind::site: return site == key;
        default: return false;
        }
    }
    /// The object that was clicked, or one of the site that was.
    bool is(const Subject& subject) const {
        if (kind == Kind::site || subject.all_of_site) return is(subject.site);
        switch (kind) {
        case Kind::handler: return subject.site.kind == CallKind::handler && handler.id == subject.id;
        case Kind::timeout: return subject.site.kind == CallKind::timeout && id_of(timeout) == subject.id;
        case Kind::queued: return subject.site.kind == CallKind::callback && queued.id == subject.id;
        case Kind::call: return call.kind == subject.site.kind && call.id == subject.id;
        default: return false;
        }
    }

    /// Looks the object up in the view.
    void refresh(const Snapshot& snapshot) {
        if (kind == Kind::handler) refresh(snapshot.handlers, handler);
        if (kind == Kind::timeout) refresh(snapshot.timeouts, timeout);
        if (kind == Kind::queued) refresh(snapshot.callbacks, queued);
    }

private:
    void begin(Kind what) { kind = what, gone = false; }
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
