// SPDX-License-Identifier: MIT
#include "inspector_impl.hpp"
#include "panel/header_line.hpp"

#include <ioloop/inspect/chrome_trace.hpp>
#include <ioloop/inspect/format.hpp>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

#include <imgui.h>

namespace ioloop::imgui {
namespace {

LocalSource::Options source_options(const Inspector::Options& options) {
    LocalSource::Options made;
    made.recorder = options.recorder;
    made.lints.budget = options.budget;
    made.lints.slow_call = options.slow_call;
    return made;
}

} // namespace

Inspector::Impl::Impl(IOLoop& loop, const Options& options)
    : own_source_(std::make_unique<LocalSource>(loop, source_options(options))),
      source_(*own_source_),
      options_(options),
      view_(source_) {}

Inspector::Impl::Impl(Source& source, const Options& options)
    : source_(source),
      options_(options),
      view_(source) {}

Inspector::Impl::~Impl() {
    if (destroyed_ != nullptr) *destroyed_ = true;
}

void Inspector::Impl::show() {
    marks_.clear();
    const double now = ImGui::GetTime();
    view_.refresh(now);
    slow_.record(view_, options_.slow_call);
    journal_.record(view_);
    if (!view_.frozen()) selection_.refresh(view_.snapshot());
    selection_.relate(view_.snapshot());
    Text rows;
    const Ui ui{view_,    filter_,           baseline_,       selection_,
                command_, source_.refusal(), options_.budget, options_.slow_call,
                now,      !copying_,         &rows,           marking_ ? &marks_ : nullptr,
                open_tab_};

    obey(ui, pressed_keys());
    ImGui::PushID(this);
    const bool copying = std::exchange(copying_, false);
    if (copying) ImGui::LogToClipboard();
    show_header_line(ui, judge(view_.moment()));
    const ToolbarResult toolbar = toolbar_.show(ui);
    timeline_.show(ui);

    const float last_line = ImGui::GetFrameHeightWithSpacing();
    const ImVec2 room = ImGui::GetContentRegionAvail();
    const bool detail = selection_.kind != Selection::Kind::none;
    const float detail_height = detail ? std::min(em() * 12, room.y * 0.5F) : 0;
    // Not the room that the detail leaves: a selection would close the tab it was made in.
    const bool room_for_all = room.y - last_line >= em() * 28;
    if (ImGui::BeginChild("tables", ImVec2(0, std::max(room.y - last_line - detail_height, em()))))
        show_tabs(ui, room_for_all);
    ImGui::EndChild();
    if (detail) {
        const float height = detail_height - ImGui::GetStyle().ItemSpacing.y;
        if (ImGui::BeginChild("detail", ImVec2(0, std::max(height, em())), true))
            detail_.show(ui, descriptors_.cache());
        ImGui::EndChild();
    }
    show_last_line(ui, rows);
    if (copying) ImGui::LogFinish();
    ImGui::PopID();

    if (toolbar.clear) command_.kind = Command::Kind::clear;
    copy(ui, toolbar.copy);
}

void Inspector::Impl::obey(const Ui& ui, const Keys& keys) {
    if (keys.freeze) view_.set_frozen(!view_.frozen());
    if (keys.unselect) selection_.clear();
    if (keys.move == 0) return;
    switch (selection_.kind) {
    case Selection::Kind::handler: return descriptors_.move_selection(ui, keys.move);
    case Selection::Kind::timeout: return timeouts_.move_selection(ui, keys.move);
    case Selection::Kind::call: return callbacks_.move_selection(ui, keys.move);
    case Selection::Kind::scope: return scopes_.move_selection(ui, keys.move);
    case Selection::Kind::task: return tasks_.move_selection(ui, keys.move);
    case Selection::Kind::queued:
    case Selection::Kind::turn:
    case Selection::Kind::site:
    case Selection::Kind::none: break;
    }
}

void Inspector::Impl::copy(const Ui& ui, ToolbarResult::Copy what) {
    using Copy = ToolbarResult::Copy;
    const auto put = [&](const std::string& text) {
        ImGui::SetClipboardText(text.c_str());
        outcome_ = Text("copied ").add(format_bytes(text.size()).view());
        outcome_at_ = ui.now;
    };
    switch (what) {
    case Copy::nothing: break;
    case Copy::text: copying_ = true; break; // no popup may be open then: its end would be the end of the log
    case Copy::descriptors: put(descriptors_.tsv(ui)); break;
    case Copy::timeouts: put(timeouts_.tsv(ui)); break;
    case Copy::calls: put(callbacks_.tsv(ui)); break;
    case Copy::scopes: put(scopes_.tsv(ui)); break;
    case Copy::tasks: put(tasks_.tsv(ui)); break;
    case Copy::trace: {
        std::ostringstream trace;
        write_chrome_trace(view_.moment(), trace, view_.snapshot().name);
        put(trace.str());
    }
    }
}

/// One table to a tab; and where there is room, the three under each other, which is how they tell a story.
void Inspector::Impl::show_tabs(const Ui& ui, bool room_for_all) {
    if (!ImGui::BeginTabBar("tabs")) return;
    if (room_for_all && ImGui::BeginTabItem("All")) {
        show_all(ui);
        ImGui::EndTabItem();
    }
    const std::string_view wanted = std::exchange(open_tab_, {});
    const auto tab = [&](const char* name, auto& panel, const Text& label, const char* help) {
        const ImGuiTabItemFlags flags = wanted == name ? ImGuiTabItemFlags_SetSelected : 0;
        const bool open = ImGui::BeginTabItem(label.c_str(), nullptr, flags);
        ui.mark(name);
        explain(ui, help);
        if (!open) return;
        panel.show(ui);
        ImGui::EndTabItem();
    };
    tab("Lints", lints_, LintsTable::tab_label(view_.moment()),
        "What is wrong with the program's use of the loop, with the reason, and what to do about it.");
    tab("Sites", sites_, "Sites",
        "What each place in the source costs, however many objects come from there. Sort by ms/s to see "
        "where the "
        "loop's time goes.");
    tab("Descriptors", descriptors_, "Descriptors",
        "What the loop watches. Always ready, never idle or of an odd state in the kernel: look there first. "
        "A right click on a row offers what can be done.");
    tab("Timeouts", timeouts_, "Timeouts",
        "What the loop will call, and when. Sort by lateness to see what comes too late, mark A to see what "
        "leaks.");
    tab("Callbacks", callbacks_, "Callbacks",
        "What is queued now, and what ran: handlers, callbacks and timeouts, the newest first. Click a row "
        "for who "
        "posted it and what it caused.");
    tab("Scopes", scopes_, "Scopes",
        "Who holds things in the loop: each scope that is alive. Click one: what it holds is highlighted in "
        "the "
        "other tables.");
    tab("Tasks", tasks_, "Tasks",
        "The coroutines that were spawned and have not ended: where each is suspended, and for what it "
        "waits.");
    tab("Turn", turn_, "Turn",
        "One turn of the loop: why it woke, and what ran in it, in order. Select one in the timeline.");
    tab("Slow", slow_, "Slow", "Calls that took too long, and whom they kept waiting.");
    tab("Journal", journal_, "Journal",
        "All that happened, the newest first. What is not recorded is not kept; what is not shown is only "
        "hidden.");
    tab("Health", health_, "Health",
        "How long things take, and how late they are: distributions, not averages.");
    ImGui::EndTabBar();
}

/// Descriptors and timeouts as high as they are long, up to a share each; the rest is history's.
void Inspector::Impl::show_all(const Ui& ui) {
    const float room = ImGui::GetContentRegionAvail().y;
    const float row = ImGui::GetTextLineHeight() + ImGui::GetStyle().CellPadding.y * 2;
    const auto part = [&](const char* name, std::size_t rows, auto& panel) {
        const float wanted = row * (static_cast<float>(rows) + 1) + ImGui::GetStyle().ScrollbarSize * 1.5F;
        put_weak(Text(name));
        if (ImGui::BeginChild(name, ImVec2(0, std::clamp(wanted, row * 4, std::max(row * 4, room * 0.27F)))))
            panel.show(ui);
        ImGui::EndChild();
        ui.rows_shown->add("; ");
    };
    const Snapshot& snapshot = view_.snapshot();
    part("Descriptors", snapshot.handlers.size(), descriptors_);
    part("Timeouts", snapshot.timeouts.size(), timeouts_);
    callbacks_.show(ui);
}

/// Always there, so that nothing moves when there is something to say.
void Inspector::Impl::show_last_line(const Ui& ui, const Text& rows) {
    constexpr double news = 8;
    put_weak(rows);
    if (outcome_.empty() || ui.now - outcome_at_ > news) return;
    ImGui::SameLine(0, em() * 2);
    put_badge(outcome_, Severity::note);
}

void Inspector::Impl::act() {
    const Command command = std::exchange(command_, Command{});
    if (command.kind == Command::Kind::none) return;
    // Also when the program's error hook throws out of a step.
    struct Watch {
        explicit Watch(Impl& i) : impl(i), outer(std::exchange(i.destroyed_, &destroyed)) {}
        Watch(const Watch&) = delete;
        Watch& operator=(const Watch&) = delete;
        ~Watch() {
            if (!destroyed) {
                impl.destroyed_ = outer;
            } else if (outer != nullptr) {
                *outer = true;
            }
        }
        Impl& impl;
        bool destroyed = false;
        bool* outer;
    };
    const Watch watch(*this);
    const Text outcome = source_.request(command);
    if (watch.destroyed) return;
    outcome_ = outcome;
    outcome_at_ = ImGui::GetTime();
}

Inspector::Inspector(IOLoop& loop) : Inspector(loop, Options{}) {}
Inspector::Inspector(IOLoop& loop, Options options) : impl_(std::make_unique<Impl>(loop, options)) {}
Inspector::Inspector(Source& source) : Inspector(source, Options{}) {}
Inspector::Inspector(Source& source, Options options) : impl_(std::make_unique<Impl>(source, options)) {}
Inspector::~Inspector() = default;

void Inspector::show_window(const char* title, bool* open) {
    impl_->begin_frame();
    if (open != nullptr && !*open) return;
    // As large as is useful, and no larger than fits.
    const float em = ImGui::GetFontSize();
    const ImVec2 display = ImGui::GetIO().DisplaySize;
    const ImVec2 size(std::min(em * 92, display.x * 0.85F), std::min(em * 60, display.y * 0.9F));
    ImGui::SetNextWindowSize(size, ImGuiCond_FirstUseEver);
    const bool visible = ImGui::Begin(title, open);
    if (visible) impl_->show();
    ImGui::End();
    if (visible) impl_->act();
}

void Inspector::show_contents() {
    impl_->begin_frame();
    impl_->show();
    impl_->act();
}

} // namespace ioloop::imgui
