// SPDX-License-Identifier: MIT
#include "message.hpp"

#include "moment_fields.hpp"

namespace ioloop {
namespace {

constexpr std::string_view magic = "ioloop inspector";

template <class F> void write_frame(std::vector<std::uint8_t>& out, Message message, F&& fields) {
    const std::size_t begin = begin_frame(out, message);
    WireWriter wire(out);
    fields(wire);
    end_frame(out, begin);
}

template <class Wire, class W> void welcome_fields(Wire& wire, W& welcome) {
    wire.number(welcome.version);
    wire.bit(welcome.may_command);
    wire.text(welcome.name);
}

template <class Wire, class R> void refused_fields(Wire& wire, R& refused) {
    wire.bit(refused.for_good);
    wire.text(refused.why);
}

template <class Wire, class C> void command_fields(Wire& wire, C& numbered) {
    auto& command = numbered.command;
    wire.number(numbered.number);
    wire.choice(command.kind, Command::last_kind);
    timeout_id_fields(wire, command.timeout);
    wire.number(command.handler);
    wire.events(command.events);
    breakpoint_fields(wire, command.breakpoint); // its site is nothing here
    wire.number(numbered.site);
    wire.delay(command.trigger.slow_call);
    wire.delay(command.trigger.late);
    wire.bit(command.trigger.error);
    wire.number(command.trigger.more_turns);
    wire.choice(command.lint, last_lint);
}

template <class Wire, class O> void outcome_fields(Wire& wire, O& outcome) {
    wire.number(outcome.number);
    wire.text(outcome.sentence);
}

} // namespace

std::size_t begin_frame(std::vector<std::uint8_t>& out, Message message) {
    const std::size_t begin = out.size();
    out.resize(begin + 4);
    out.push_back(static_cast<std::uint8_t>(message));
    return begin;
}

void end_frame(std::vector<std::uint8_t>& out, std::size_t begin) {
    const std::size_t size = out.size() - begin - 4;
    for (unsigned i = 0; i < 4; ++i) out[begin + i] = static_cast<std::uint8_t>(size >> (8 * i));
}

void write_hello(std::vector<std::uint8_t>& out, std::string_view token) {
    write_frame(out, Message::hello, [&](WireWriter& wire) {
        wire.text(magic);
        wire.raw(wire_version);
        wire.text(token);
    });
}

bool read_hello(std::span<const std::uint8_t> bytes, Hello& hello) {
    WireReader wire(bytes);
    if (wire.text(magic.size()) != magic) return false;
    wire.number(hello.version);
    if (wire.ok() && hello.version != wire_version) return true; // the rest may be anything
    hello.token = wire.text(longest_token);
    return wire.complete();
}

void write_welcome(std::vector<std::uint8_t>& out, const Welcome& welcome) {
    write_frame(out, Message::welcome, [&](WireWriter& wire) { welcome_fields(wire, welcome); });
}

bool read_welcome(std::span<const std::uint8_t> bytes, Welcome& welcome) {
    WireReader wire(bytes);
    welcome_fields(wire, welcome);
    return wire.complete();
}

void write_refused(std::vector<std::uint8_t>& out, const Refused& refused) {
    write_frame(out, Message::refused, [&](WireWriter& wire) { refused_fields(wire, refused); });
}

bool read_refused(std::span<const std::uint8_t> bytes, Refused& refused) {
    WireReader wire(bytes);
    refused_fields(wire, refused);
    return wire.complete();
}

void write_next(std::vector<std::uint8_t>& out) {
    write_frame(out, Message::next, [](WireWriter&) {});
}

void write_describe(std::vector<std::uint8_t>& out, std::span<const std::uint64_t> handlers) {
    write_frame(out, Message::describe, [&](WireWriter& wire) {
        wire.rows(handlers, most_described, any_size, [&](std::uint64_t id, std::size_t) { wire.raw(id); });
    });
}

bool read_describe(std::span<const std::uint8_t> bytes, std::vector<std::uint64_t>& handlers) {
    WireReader wire(bytes);
    handlers.clear();
    wire.rows(handlers, most_described, any_size, [&](std::uint64_t& id, std::size_t) { wire.number(id); });
    return wire.complete();
}

void write_descriptors(std::vector<std::uint8_t>& out, std::span<const Described> descriptors) {
    write_frame(out, Message::descriptors, [&](WireWriter& wire) {
        wire.rows(descriptors, most_described, any_size, [&](const Described& row, std::size_t) {
            wire.number(row.first);
            descriptor_fields(wire, row.second);
        });
    });
}

bool read_descriptors(std::span<const std::uint8_t> bytes, std::vector<Described>& descriptors) {
    WireReader wire(bytes);
    descriptors.clear();
    wire.rows(descriptors, most_described, any_size, [&](Described& row, std::size_t) {
        wire.number(row.first);
        descriptor_fields(wire, row.second);
    });
    return wire.complete();
}

void write_command(std::vector<std::uint8_t>& out, const NumberedCommand& command) {
    write_frame(out, Message::command, [&](WireWriter& wire) { command_fields(wire, command); });
}

bool read_command(std::span<const std::uint8_t> bytes, NumberedCommand& command) {
    WireReader wire(bytes);
    command_fields(wire, command);
    return wire.complete();
}

void write_outcome(std::vector<std::uint8_t>& out, const NumberedOutcome& outcome) {
    write_frame(out, Message::outcome, [&](WireWriter& wire) { outcome_fields(wire, outcome); });
}

bool read_outcome(std::span<const std::uint8_t> bytes, NumberedOutcome& outcome) {
    WireReader wire(bytes);
    outcome_fields(wire, outcome);
    return wire.complete();
}

} // namespace ioloop
