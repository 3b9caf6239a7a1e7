// SPDX-License-Identifier: MIT
/// What an InspectorServer and a viewer say to each other, but for the moments themselves. Floor 3.
///
/// A message is a frame: its length in four bytes, the lowest first; a byte that says which; and the rest of it.
///
///     viewer                          server
///     hello      version, token
///                                     welcome    version, name, may command      or refused     why
///     next
///                                     moment     moment_codec.hpp
///     describe   handlers
///                                     descriptors
///     command    number, Command
///                                     outcome    number, sentence
///
/// A moment is sent when it is asked for: who does not look costs nothing, and who is slow gets fewer.
#pragma once

#include "wire.hpp"

#include <ioloop/inspect/command.hpp>
#include <ioloop/inspect/descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ioloop {

/// Both ends are of the same one: there is no other way to be sure that an enumerator means the same.
inline constexpr std::uint32_t wire_version = 4;

inline constexpr std::size_t longest_token = 256;
inline constexpr std::size_t longest_request = 4096;                  ///< of a viewer, in bytes
inline constexpr std::size_t longest_answer = std::size_t{16} << 20U; ///< of a server
inline constexpr std::size_t most_described = 64;                     ///< in one message

enum class Message : std::uint8_t {
    hello,
    next,
    describe,
    command,
    welcome,
    refused,
    moment,
    descriptors,
    outcome,
};
inline constexpr Message last_message = Message::outcome;

struct Hello {
    std::uint32_t version = wire_version;
    std::string_view token;
};
void write_hello(std::vector<std::uint8_t>& out, std::string_view token);
/// The token is a part of `bytes`.
bool read_hello(std::span<const std::uint8_t> bytes, Hello& hello);

struct Welcome {
    std::uint32_t version = wire_version;
    bool may_command = false;
    Text name; ///< of the loop
};
void write_welcome(std::vector<std::uint8_t>& out, const Welcome& welcome);
bool read_welcome(std::span<const std::uint8_t> bytes, Welcome& welcome);

struct Refused {
    bool for_good = false; ///< the same hello will be refused again
    Text why;
};
void write_refused(std::vector<std::uint8_t>& out, const Refused& refused);
bool read_refused(std::span<const std::uint8_t> bytes, Refused& refused);

void write_next(std::vector<std::uint8_t>& out);

/// Handlers by their ids, at most `most_described`.
void write_describe(std::vector<std::uint8_t>& out, std::span<const std::uint64_t> handlers);
bool read_describe(std::span<const std::uint8_t> bytes, std::vector<std::uint64_t>& handlers);

using Described = std::pair<std::uint64_t, Descriptor>;
void write_descriptors(std::vector<std::uint8_t>& out, std::span<const Described> descriptors);
bool read_descriptors(std::span<const std::uint8_t> bytes, std::vector<Described>& descriptors);

/// Sites go by the numbers that the server gave them.
struct NumberedCommand {
    std::uint64_t number = 0;
    Command command;
    std::uint64_t site = 0; ///< of the breakpoint, as the server numbers it
};
void write_command(std::vector<std::uint8_t>& out, const NumberedCommand& command);
bool read_command(std::span<const std::uint8_t> bytes, NumberedCommand& command);

struct NumberedOutcome {
    std::uint64_t number = 0;
    Text sentence;
};
void write_outcome(std::vector<std::uint8_t>& out, const NumberedOutcome& outcome);
bool read_outcome(std::span<const std::uint8_t> bytes, NumberedOutcome& outcome);

/// Appends the beginning of a frame, and end_frame() its length once the rest is there.
std::size_t begin_frame(std::vector<std::uint8_t>& out, Message message);
void end_frame(std::vector<std::uint8_t>& out, std::size_t begin);

} // namespace ioloop
