// SPDX-License-Identifier: MIT
#include "object_actions.hpp"

#include "../model/breakpoint_text.hpp"

namespace ioloop::imgui {
namespace {

bool offer(const Ui& ui, As as, const char* mark, const char* item, const char* button, bool enabled = true) {
    bool clicked = false;
    if (as == As::menu) {
        clicked = command_item(ui, item, enabled);
    } else {
        flow(width_of_button(button));
        clicked = small_command_button(ui, button, enabled);
    }
    ui.mark(mark);
    return clicked;
}

void toggle(const Ui& ui, const Breakpoint& breakpoint, bool is_set) {
    ui.command.kind = is_set ? Command::Kind::remove_breakpoint : Command::Kind::add_breakpoint;
    ui.command.breakpoint = breakpoint;
}

} // namespace

void offer_breakpoints(const Ui& ui, As as, CallKind kind, std::uint64_t id, SiteId site) {
    Breakpoint object;
    object.on = Breakpoint::On::object;
    object.kind = kind;
    object.id = id;
    const bool on_object = is_set(ui.view.moment(), object);
    if (offer(ui, as, "break/object", on_object ? "Do not break on this object" : "Break on this object",
              on_object ? "No break###object" : "Break###object")) {
        toggle(ui, object, on_object);
    }
    if (as == As::buttons && ui.refusal == nullptr) {
        explain(ui, "Pauses the loop before this very object is called.");
    }

    Breakpoint place;
    place.on = Breakpoint::On::site;
    place.site = site;
    const bool on_site = is_set(ui.view.moment(), place);
    if (offer(ui, as, "break/site", on_site ? "Do not break on this site" : "Break on this site",
              on_site ? "No break on site###site" : "Break on site###site", site != SiteId::none)) {
        toggle(ui, place, on_site);
    }
    if (as == As::buttons && ui.refusal == nullptr) {
        explain(ui, "Pauses the loop before anything is called that was registered at this place.");
    }
}

void offer_readiness(const Ui& ui, As as, const HandlerInfo& info) {
    const auto inject = [&](const char* mark, const char* item, const char* button, Events events) {
        const bool wanted = events == Events::error || any(info.interest & events);
        if (!offer(ui, as, mark, item, button, wanted)) return;
        ui.command.kind = Command::Kind::inject;
        ui.command.handler = info.id;
        ui.command.events = events;
    };
    inject("inject/read", "Call as if it could be read", "Inject R", Events::read);
    inject("inject/write", "Call as if it could be written", "Inject W", Events::write);
    inject("inject/error", "Call as if it had failed", "Inject !", Events::error);
}

} // namespace ioloop::imgui
