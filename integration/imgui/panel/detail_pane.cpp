// SPDX-License-Identifier: MIT
#include "detail_pane.hpp"

#include "object_actions.hpp"
#include "owner_detail.hpp"
#include "site_detail.hpp"

#include <ioloop/inspect/format.hpp>

namespace ioloop::imgui {
namespace {

constexpr auto line = put_fact;

/// The facts on the left; the rest on the right, or below.
void split() {
    if (ImGui::GetWindowSize().x > em() * 60) ImGui::SameLine(em() * 34);
    ImGui::BeginGroup();
}

void show_title(const Ui& ui, const Text& title) {
    put_text(title);
    if (ui.selection.gone) {
        put_badge("gone; this is how it was last seen", Severity::note);
    }
}

/// What led here: beside the facts, or below them if there is no room. To be followed by buttons.
void show_chain(const Ui& ui, const Chain& chain, const char* first) {
    ImGui::EndGroup();
    split();
    static constexpr const char* by = "by";
    for (std::size_t i = 0; i < chain.sites.size() && chain.sites[i] != SiteId::none; ++i) {
        const Origin& origin = origin_of(chain.sites[i]);
        Text text = format_name(origin);
        text.add("  ").add(format_place(origin).view()).add(format_function(origin).view());
        // What goes round has scheduled itself: one line, not one for each round.
        std::uint64_t rounds = 1;
        while (i > 0 && i + 1 < chain.sites.size() && chain.sites[i + 1] == chain.sites[i]) {
            ++rounds;
            ++i;
        }
        if (rounds > 1) text.add(", ").add(rounds).add(" times");
        line(i == 0 ? first : by, text);
    }
    const Origin& origin = chain.origin();
    if (ImGui::SmallButton("Copy place")) {
        ImGui::SetClipboardText(Text(origin.file).add(":").add(origin.line).c_str());
    }
    explain(ui, origin.file);
}

/// What its site adds up to, over all objects of the place.
void show_profile(const Ui& ui, const Chain& chain, CallKind kind) {
    const SiteProfile* profile = ui.view.profile(chain.site(), kind);
    if (profile == nullptr || profile->calls == 0) return;
    const auto calls = static_cast<Duration::rep>(profile->calls);
    line("site took", Text()
                          .add(format_duration(profile->busy / calls).view())
                          .add(" on average, p99 ")
                          .add(format_duration(profile->took.percentile(0.99)).view())
                          .add(", at most ")
                          .add(format_duration(profile->took.longest()).view())
                          .add(", in ")
                          .add(format_count(profile->calls).view())
                          .add(profile->calls == 1 ? " call" : " calls"));
}

/// The links of the chain downwards: what a call posted, armed and registered, as far as that is remembered.
void show_caused(const Ui& ui, const CallRecord& call) {
    constexpr int most = 8;
    int count = 0;
    const auto tell = [&](const char* what, const Chain& chain) {
        if (++count > most) return;
        line(count == 1 ? "caused" : "and", Text(what)
                                                .add(format_name(chain.origin()).view())
                                                .add("  ")
                                                .add(format_place(chain.origin()).view()));
    };
    for (const ChangeRecord& change : ui.view.changes()) {
        if (change.by != call.chain.site() || change.at != call.begin) continue;
        if (change.change != ChangeKind::added) continue;
        tell(change.kind == CallKind::timeout ? "timeout " : "handler ", change.chain);
    }
    for (const CallRecord& other : ui.view.calls()) {
        if (other.kind != CallKind::callback || other.chain.sites[1] != call.chain.site()) continue;
        const TimePoint posted = other.begin - other.late;
        if (posted >= call.begin && posted <= call.begin + call.took) tell("callback ", other.chain);
    }
    if (count > most) line("and", Text().add(static_cast<std::uint64_t>(count - most)).add(" more"));
}

/// One direction of a Flow.
Text format_passed(std::uint64_t bytes, std::uint64_t messages, std::uint64_t waiting, const char* where) {
    Text text = format_bytes(bytes);
    if (messages > 0) {
        text.add(" in ").add(format_count(messages).view()).add(messages == 1 ? " message" : " messages");
    }
    if (waiting > 0) text.add(", ").add(format_bytes(waiting).view()).add(" ").add(where);
    return text;
}

} // namespace

void DetailPane::show(const Ui& ui, DescriptorCache& cache) {
    if (ui.selection.kind == Selection::Kind::none) return;
    ImGui::BeginGroup();
    switch (ui.selection.kind) {
    case Selection::Kind::handler: show_handler(ui, cache); break;
    case Selection::Kind::timeout: show_timeout(ui); break;
    case Selection::Kind::queued: show_queued(ui); break;
    case Selection::Kind::call: show_call(ui); break;
    case Selection::Kind::turn: show_turn(ui); break;
    case Selection::Kind::site: show_site_detail(ui); break;
    case Selection::Kind::scope:
        show_scope_detail(ui);
        show_chain(ui, ui.selection.scope.chain, "made at");
        break;
    case Selection::Kind::task:
        show_task_detail(ui);
        show_chain(ui, ui.selection.task.chain, "spawned at");
        break;
    case Selection::Kind::none: break;
    }
    flow(width_of_button("Unselect"));
    if (ImGui::SmallButton("Unselect")) ui.selection.clear();
    ui.mark("detail/unselect");
    ImGui::EndGroup();
}

void DetailPane::show_handler(const Ui& ui, DescriptorCache& cache) {
    const HandlerInfo& info = ui.selection.handler;
    show_title(
        ui,
        Text("fd ").add(static_cast<std::uint64_t>(info.fd)).add(", ").add(format_name(info.origin).view()));
    if (const Descriptor* what =
            cache.find(ui.view.source(), info.id, info.fd, ui.now, !ui.view.frozen() && !ui.selection.gone)) {
        line("is",
             Text(name_of(what->kind)).add(what->blocking ? ", blocking: a read may hang the loop" : ""));
        if (*what->local != '\0') line("local", what->local);
        if (*what->peer != '\0') line("peer", what->peer);
        Text bytes = format_bytes(what->bytes_in);
        if (what->tcp_state != Descriptor::TcpState::unknown) {
            Text tcp(name_of(what->tcp_state));
            if (what->round_trip > no_wait) {
                tcp.add(", round trip ").add(format_duration(what->round_trip).view());
            }
            line("tcp", tcp);
        }
        if (what->kind == Descriptor::Kind::tcp_listener) {
            line("to accept", Text().add(what->accept_queue).add(" of ").add(what->accept_limit));
        }
        line("queued", bytes.add(" in, ").add(format_bytes(what->bytes_out).view()).add(" out"));
    }
    if (info.flow) {
        const Flow& passed = *info.flow;
        line("received", format_passed(passed.bytes_in, passed.messages_in, passed.waiting_in, "waiting"));
        line("sent", format_passed(passed.bytes_out, passed.messages_out, passed.waiting_out, "queued"));
        if (passed.dropped > 0) line("dropped", format_count(passed.dropped));
    }
    line("wants",
         format_events(info.interest).add(", last ready for ").add(format_events(info.last_ready).view()));
    Text calls = format_count(info.calls);
    if (info.last_turn != 0) calls.add(", the last in turn ").add(info.last_turn);
    line("calls", calls);
    line("in a row", format_count(info.streak).add(info.streak == 1 ? " turn" : " turns"));
    show_scope_of(ui, info.scope);
    show_tasks_of(ui, info);
    show_profile(ui, info.chain, CallKind::handler);
    show_chain(ui, info.chain, "added at");
    if (ui.selection.gone) return;
    ImGui::SameLine();
    if (small_command_button(ui, confirming_ ? "Really remove?###remove" : "Remove handler###remove")) {
        if (confirming_) ui.command = {Command::Kind::remove_handler, {}, info.id};
        confirming_ = !confirming_;
    }
    if (!ImGui::IsItemHovered()) confirming_ = false;
    ui.mark("detail/remove");
    offer_breakpoints(ui, As::buttons, CallKind::handler, info.id, info.chain.site());
    offer_readiness(ui, As::buttons, info);
}

void DetailPane::show_timeout(const Ui& ui) {
    const TimeoutInfo& info = ui.selection.timeout;
    show_title(ui, Text("timeout ").add(format_name(info.origin).view()));
    if (!ui.selection.gone) {
        line("due in",
             info.deadline == never ? Text("never") : format_duration(info.deadline - ui.view.time()));
    }
    line("repeats",
         info.period > no_wait ? Text("every ").add(format_duration(info.period).view()) : Text("no"));
    line("fired", format_count(info.fires));
    line("id", Text().add(info.id.slot).add(", generation ").add(info.id.generation));
    show_scope_of(ui, info.scope);
    show_tasks_of(ui, info);
    show_profile(ui, info.chain, CallKind::timeout);
    show_chain(ui, info.chain, "created at");
    if (ui.selection.gone) return;
    ImGui::SameLine();
    if (small_command_button(ui, "Fire now")) ui.command = {Command::Kind::fire_now, info.id, 0};
    ui.mark("detail/fire");
    ImGui::SameLine();
    if (small_command_button(ui, "Postpone")) ui.command = {Command::Kind::postpone, info.id, 0};
    ui.mark("detail/postpone");
    ImGui::SameLine();
    if (small_command_button(ui, "Cancel")) ui.command = {Command::Kind::cancel, info.id, 0};
    ui.mark("detail/cancel");
    offer_breakpoints(ui, As::buttons, CallKind::timeout, id_of(info), info.chain.site());
}

void DetailPane::show_queued(const Ui& ui) {
    const CallbackInfo& info = ui.selection.queued;
    put_text(Text("callback ").add(format_name(info.origin).view()));
    if (ui.selection.gone) {
        put_badge("queued no more: it ran, or was dropped", Severity::note);
    } else if (info.posted_at != TimePoint{}) {
        line("waits for", format_duration(ui.view.time() - info.posted_at));
    }
    line("posted by",
         info.from_thread ? "another thread, or the host between two turns" : "a call of the loop");
    line("number", Text().add(info.id));
    show_scope_of(ui, info.scope);
    show_chain(ui, info.chain, "posted at");
    offer_breakpoints(ui, As::buttons, CallKind::callback, info.id, info.chain.site());
}

void DetailPane::show_call(const Ui& ui) {
    const CallRecord& call = ui.selection.call;
    put_text(
        Text("a call of ").add(name_of(call.kind)).add(" ").add(format_name(call.chain.origin()).view()));
    line(
        "turn",
        Text().add(call.turn).add(", ").add(format_duration(ui.view.time() - call.begin).view()).add(" ago"));
    line("took", format_duration(call.took).add(call.threw ? ", and threw" : ""));
    if (call.kind == CallKind::handler) {
        Text text("fd ");
        line("of", text.add(static_cast<std::uint64_t>(call.fd))
                       .add(", ready for ")
                       .add(format_events(call.events).view()));
    } else {
        const char* since = call.kind == CallKind::timeout ? " after it was due" : " in the queue";
        line("late", format_duration(call.late).add(since));
    }
    if (call.kind == CallKind::callback) {
        const SiteId poster = call.chain.sites[1];
        line("posted by", poster != SiteId::none ? format_name(origin_of(poster))
                                                 : Text("another thread, or the host between two turns"));
    }
    if (call.depth > 1) line("nested", Text().add(call.depth).add(" run_ calls deep"));
    show_caused(ui, call);
    show_chain(ui, call.chain, "from");
    offer_breakpoints(ui, As::buttons, call.kind, call.id, call.chain.site());
}

void DetailPane::show_turn(const Ui& ui) {
    const TurnRecord& turn = ui.selection.turn;
    put_text(Text("turn ")
                 .add(turn.turn)
                 .add(", ")
                 .add(format_duration(ui.view.time() - turn.begin).view())
                 .add(" ago"));
    line("woken by", name_of(turn.reason));
    line("waited", format_duration(turn.waited));
    const auto part = [](const char* what, std::uint32_t count, Duration took) {
        line(what, Text().add(count).add(", took ").add(format_duration(took).view()));
    };
    part("handlers", turn.handlers, turn.handlers_took);
    part("callbacks", turn.callbacks, turn.callbacks_took);
    part("timeouts", turn.timeouts, turn.timeouts_took);
    line("left queued",
         Text().add(turn.queued_after).add(turn.queued_after == 1 ? " callback" : " callbacks"));
    if (turn.pieces > 1) line("budget", Text("spread over ").add(turn.pieces).add(" calls of run_once()"));
    ImGui::EndGroup();
    split();
    for (const CallRecord& call : ui.view.calls()) {
        if (call.turn != turn.turn) continue;
        Text text = format_duration(call.took);
        text.add("  ").add(format_name(call.chain.origin()).view()).add("  ");
        line(name_of(call.kind),
             text.add(format_place(call.chain.origin()).view()).add(call.threw ? "  threw" : ""));
    }
    ImGui::NewLine();
}

} // namespace ioloop::imgui
