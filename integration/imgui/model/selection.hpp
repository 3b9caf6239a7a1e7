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
#include <vector>

namespace ioloop::imgui {

/// Whether this is what a task waits for.
inline bool is_for(const WaitInfo& wait, const HandlerInfo& info) {
    return wait.what == WaitFor::descriptor && wait.id == static_cast<std::uint64_t>(info.fd);
}
inline bool is_for(const WaitInfo& wait, const TimeoutInfo& info) {
    return (wait.what == WaitFor::timeout || wait.what == WaitFor::branches) && wait.id == id_of(info);
}
inline bool is_for(const WaitInfo& wait, const TaskInfo& info) {
    return wait.what == WaitFor::task && wait.id == info.id;
}

struct Selection {
    enum class Kind : std::uint8_t { none, handler, timeout, queued, call, turn, site, scope, task };

    Kind kind = Kind::none;
    bool gone = false;
    HandlerInfo handler;
    TimeoutInfo timeout;
    CallbackInfo queued;
    CallRecord call;
    TurnRecord turn;
    SiteKey site;
    ScopeInfo scope;
    TaskInfo task;

    void clear() { kind = Kind::none; }
    void select(const HandlerInfo& info) { handler = info, begin(Kind::handler); }
    void select(const TimeoutInfo& info) { timeout = info, begin(Kind::timeout); }
    void select(const CallbackInfo& info) { queued = info, begin(Kind::queued); }
    void select(const CallRecord& record) { call = record, begin(Kind::call); }
    void select(const TurnRecord& record) { turn = record, begin(Kind::turn); }
    void select(SiteKey key) { site = key, begin(Kind::site); }
    void select(const ScopeInfo& info) { scope = info, begin(Kind::scope); }
    void select(const TaskInfo& info) { task = info, begin(Kind::task); }
    /// The object; if the loop has it no more, the last call of it; else its call site. If none of them is
    /// known, nothing changes.
    void select(const Subject& subject, const Moment& moment);

    // Also what the selected scope holds, and what the selected task waits for.
    bool is(const HandlerInfo& info) const {
        return is(subject_of(info)) || is_in_scope(info) || is_awaited(info);
    }
    bool is(const TimeoutInfo& info) const {
        return is(subject_of(info)) || is_in_scope(info) || is_awaited(info);
    }
    bool is(const CallbackInfo& info) const { return is(subject_of(info)) || is_in_scope(info); }
    /// The scope that was clicked, or that of the object that was.
    bool is(const ScopeInfo& info) const {
        switch (kind) {
        case Kind::scope: return scope.id == info.id;
        case Kind::handler: return handler.scope == info.id;
        case Kind::timeout: return timeout.scope == info.id;
        case Kind::queued: return queued.scope == info.id;
        default: return false;
        }
    }
    /// The task that was clicked, or those that wait for the object that was.
    bool is(const TaskInfo& info) const {
        if (kind == Kind::task) return task.id == info.id;
        return std::any_of(waits_.begin(), waits_.end(),
                           [&](const WaitInfo& wait) { return wait.task == info.id; });
    }
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
        if (kind == Kind::scope) refresh(snapshot.scopes, scope);
        if (kind == Kind::task) refresh(snapshot.tasks, task);
    }
    /// Finds which tasks have to do with it. Once a frame, before anything is drawn.
    void relate(const Snapshot& snapshot) {
        waits_.clear();
        if (kind != Kind::task && kind != Kind::handler && kind != Kind::timeout) return;
        for (const WaitInfo& wait : snapshot.waits) {
            if (kind == Kind::task      ? wait.task == task.id
                : kind == Kind::handler ? is_for(wait, handler)
                                        : is_for(wait, timeout))
                waits_.push_back(wait);
        }
    }

private:
    template <class Info> bool is_in_scope(const Info& info) const {
        return kind == Kind::scope && info.scope == scope.id;
    }
    template <class Info> bool is_awaited(const Info& info) const {
        return kind == Kind::task && std::any_of(waits_.begin(), waits_.end(),
                                                 [&](const WaitInfo& wait) { return is_for(wait, info); });
    }
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

    std::vector<WaitInfo> waits_; ///< of the selected task, or for the selected object
};

} // namespace ioloop::imgui
