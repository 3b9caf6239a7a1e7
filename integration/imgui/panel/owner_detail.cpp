// SPDX-License-Identifier: MIT
#include "owner_detail.hpp"

#include "../model/row_set.hpp"

#include <ioloop/inspect/format.hpp>

#include <algorithm>

namespace ioloop::imgui {
namespace {

constexpr int most_links = 10;

/// Lines of which each leads to an object; beyond so many they are only counted.
class Links {
public:
    explicit Links(const Ui& ui) : ui_(ui) {}
    Links(const Links&) = delete;
    Links& operator=(const Links&) = delete;
    ~Links() {
        if (count_ > most_links)
            put_fact("and", Text().add(static_cast<std::uint64_t>(count_ - most_links)).add(" more"));
    }

    template <class Info>
    void show(const char* what, const Text& label, const Info& to, const char* tab, const char* mark) {
        if (++count_ > most_links) return;
        put_weak(what);
        ImGui::SameLine(em() * 6.5F);
        ImGui::PushID(what);
        ImGui::PushID(static_cast<int>(id_of(to) >> 32U));
        ImGui::PushID(static_cast<int>(id_of(to)));
        if (ImGui::SmallButton(label.c_str())) {
            ui_.selection.select(to);
            ui_.open_tab = tab;
        }
        ui_.mark(mark, id_of(to));
        explain(ui_, "Click: selects it.");
        ImGui::PopID();
        ImGui::PopID();
        ImGui::PopID();
    }

    void show(const char* what, const HandlerInfo& info) {
        show(what,
             Text("fd ")
                 .add(static_cast<std::uint64_t>(info.fd))
                 .add(", ")
                 .add(format_name(info.origin).view()),
             info, "Descriptors", "link/handler");
    }
    void show(const char* what, const TimeoutInfo& info) {
        show(what, Text("timeout ").add(format_name(info.origin).view()), info, "Timeouts", "link/timeout");
    }
    void show(const char* what, const CallbackInfo& info) {
        show(what, Text("callback ").add(format_name(info.origin).view()), info, "Callbacks",
             "link/callback");
    }
    void show(const char* what, const ScopeInfo& info) {
        show(what, Text(info.name.data()), info, "Scopes", "link/scope");
    }
    void show(const char* what, const TaskInfo& info) {
        show(what, Text("task ").add(info.id).add(", ").add(format_name(info.origin).view()), info, "Tasks",
             "link/task");
    }

private:
    const Ui& ui_;
    int count_ = 0;
};

void show_title(const Ui& ui, const Text& title) {
    put_text(title);
    if (ui.selection.gone) put_badge("gone; this is how it was last seen", Severity::note);
}

/// The object with that id, or null.
template <class Infos> const auto* find(const Infos& infos, std::uint64_t id) {
    const auto found =
        std::find_if(infos.begin(), infos.end(), [&](const auto& info) { return id_of(info) == id; });
    return found != infos.end() ? &*found : nullptr;
}

void show_places(const Chain& chain, const char* first) {
    for (std::size_t i = 0; i < chain.sites.size() && chain.sites[i] != SiteId::none; ++i) {
        const Origin& origin = origin_of(chain.sites[i]);
        Text text = format_place(origin);
        if (*origin.function != '\0') text.add(" in ").add(origin.function);
        put_fact(i == 0 ? first : "awaited at", text);
    }
}

/// To what it waits for, if the loop has that.
void show_awaited(const Ui& ui, const WaitInfo& wait, Links& links) {
    const Snapshot& snapshot = ui.view.snapshot();
    switch (wait.what) {
    case WaitFor::descriptor: {
        const auto found =
            std::find_if(snapshot.handlers.begin(), snapshot.handlers.end(), [&](const HandlerInfo& info) {
                return static_cast<std::uint64_t>(info.fd) == wait.id;
            });
        if (found != snapshot.handlers.end()) return links.show("waits for", *found);
        break;
    }
    case WaitFor::timeout:
    case WaitFor::branches:
        if (const TimeoutInfo* timeout = find(snapshot.timeouts, wait.id))
            return links.show(wait.what == WaitFor::timeout ? "waits for" : "at most", *timeout);
        break;
    case WaitFor::task:
        if (const TaskInfo* task = find(snapshot.tasks, wait.id)) return links.show("waits for", *task);
        break;
    case WaitFor::future:
    case WaitFor::job: break;
    }
    put_fact("waits for", format_wait(wait));
}

template <class Is> void show_waiting(const Ui& ui, Is is_awaited) {
    Links links(ui);
    for (const WaitInfo& wait : ui.view.snapshot().waits) {
        if (!is_awaited(wait)) continue;
        if (const TaskInfo* task = find(ui.view.snapshot().tasks, wait.task)) links.show("awaited by", *task);
    }
}

} // namespace

void show_scope_detail(const Ui& ui) {
    const ScopeInfo& info = ui.selection.scope;
    show_title(ui, Text("scope ").add(info.name.data()));
    put_fact("age", format_duration(ui.view.time() - info.since));
    put_fact("holds", format_count(info.size));
    if (ui.selection.gone) return;
    const Snapshot& snapshot = ui.view.snapshot();
    Links links(ui);
    const auto show = [&](const auto& infos) {
        for (const auto& held : infos) {
            if (held.scope == info.id) links.show("holds", held);
        }
    };
    show(snapshot.handlers);
    show(snapshot.timeouts);
    show(snapshot.callbacks);
}

void show_task_detail(const Ui& ui) {
    const TaskInfo& info = ui.selection.task;
    show_title(ui, Text("task ").add(info.id).add(", ").add(format_name(info.origin).view()));
    put_fact("state", Text(name_of(info.state)));
    put_fact("age", format_duration(ui.view.time() - info.since));
    if (ui.selection.gone) return;
    {
        Links links(ui);
        for (const WaitInfo& wait : ui.view.snapshot().waits) {
            if (wait.task != info.id) continue;
            show_awaited(ui, wait, links);
            put_fact("for", format_duration(ui.view.time() - wait.since));
            show_places(wait.at, "suspended at");
        }
    }
    show_waiting(ui, [&](const WaitInfo& wait) { return is_for(wait, info); });
}

void show_scope_of(const Ui& ui, std::uint64_t scope) {
    if (scope == 0) return;
    if (const ScopeInfo* info = find(ui.view.snapshot().scopes, scope)) Links(ui).show("scope", *info);
}

void show_tasks_of(const Ui& ui, const HandlerInfo& info) {
    show_waiting(ui, [&](const WaitInfo& wait) { return is_for(wait, info); });
}
void show_tasks_of(const Ui& ui, const TimeoutInfo& info) {
    show_waiting(ui, [&](const WaitInfo& wait) { return is_for(wait, info); });
}

} // namespace ioloop::imgui
