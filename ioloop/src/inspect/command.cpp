// SPDX-License-Identifier: MIT
#include <ioloop/inspect/command.hpp>
#include <ioloop/inspect/format.hpp>
#include <ioloop/io_loop.hpp>

#include <algorithm>

namespace ioloop {
namespace {

Text quoted(const Origin& origin) { return Text("'").add(format_name(origin).view()).add("'"); }

Text step(IOLoop& loop, StepKind kind) {
    if (!loop.paused()) return "not paused: there is nothing to step";
    const Turn turn = loop.step(kind);
    if (turn.calls() == 0) return "step: nothing was ready to run";
    Text text("step: ran ");
    text.add(turn.calls()).add(turn.calls() == 1 ? " call" : " calls");
    if (turn.left > 0) text.add(", ").add(turn.left).add(" left in this turn");
    return text;
}

Text on_timeout(const Command& command, IOLoop& loop, const Snapshot& fresh) {
    const auto found = std::find_if(fresh.timeouts.begin(), fresh.timeouts.end(),
                                    [&](const TimeoutInfo& info) { return info.id == command.timeout; });
    if (found == fresh.timeouts.end()) return "nothing done: that timeout is not pending any more";
    const Text name = quoted(found->origin);
    const TimePoint now = loop.time();
    switch (command.kind) {
    case Command::Kind::cancel:
        return loop.remove_timeout(found->id) ? Text("cancelled ").add(name.view()) : Text();
    case Command::Kind::fire_now:
        loop.update_timeout(found->id, now);
        return Text(name).add(" fires in the next turn");
    default: {
        const Duration left = std::min(until(found->deadline, now), forever / 10);
        loop.update_timeout(found->id, after(now, left * 10));
        return Text(name).add(" postponed: due in ").add(format_duration(left * 10).view());
    }
    }
}

Text on_handler(const Command& command, IOLoop& loop, const Snapshot& fresh) {
    // The number alone says nothing: it may be another file's by now.
    const auto found = std::find_if(fresh.handlers.begin(), fresh.handlers.end(),
                                    [&](const HandlerInfo& info) { return info.id == command.handler; });
    if (found == fresh.handlers.end()) return "nothing done: that handler is not registered any more";
    Text who("the handler of fd ");
    who.add(static_cast<std::uint64_t>(found->fd)).add(", ").add(quoted(found->origin).view());
    if (command.kind == Command::Kind::remove_handler) {
        loop.remove_handler(found->fd);
        return Text("removed ").add(who.view());
    }
    const Events events = command.events & (found->interest | Events::error);
    if (!any(events)) return Text("nothing done: ").add(who.view()).add(", does not want that");
    loop.inject_readiness(found->fd, events);
    return who.add(", is called in the next turn as if ready for ").add(format_events(events).view());
}

} // namespace

Text run(const Command& command, IOLoop& loop, Snapshot& fresh) {
    loop.snapshot(fresh);
    if (const char* reason = refusal(loop, fresh.poller == "closed")) return Text("refused: ").add(reason);
    switch (command.kind) {
    case Command::Kind::pause: loop.set_paused(true); return "paused the loop";
    case Command::Kind::resume: loop.set_paused(false); return "resumed the loop";
    case Command::Kind::step_call: return step(loop, StepKind::call);
    case Command::Kind::step_turn: return step(loop, StepKind::turn);
    case Command::Kind::cancel:
    case Command::Kind::fire_now:
    case Command::Kind::postpone: return on_timeout(command, loop, fresh);
    case Command::Kind::remove_handler:
    case Command::Kind::inject: return on_handler(command, loop, fresh);
    default: return {};
    }
}

const char* refusal(const IOLoop& loop, bool closed) {
    if (closed) return "the loop is closed";
    if (loop.in_call()) return "this is drawn inside a call of the same loop, which can not wait for itself";
    return nullptr;
}

} // namespace ioloop
