// SPDX-License-Identifier: MIT
/// The columns of the DescriptorsTable, and what each of them shows.
#pragma once

#include "table.hpp"

#include <array>

namespace ioloop::imgui::descriptor_column {

enum Id : unsigned {
    fd,
    name,
    kind,
    truth,
    peer,
    interest,
    ready,
    ready_share,
    rate,
    calls,
    action,
    average,
    longest,
    p99,
    idle_for,
    place,
    streak,
    idle,
    local,
    in,
    out,
    state,
    round_trip,
    accept,
    received,
    received_rate,
    sent,
    sent_rate,
    waiting,
    dropped,
    age,
    chain
};

inline constexpr auto most_first = ImGuiTableColumnFlags_PreferSortDescending;
inline constexpr auto sampled = ImGuiTableColumnFlags_NoSort; // known for the rows in sight only
inline constexpr auto seldom = ImGuiTableColumnFlags_DefaultHide;

inline constexpr std::array<Column, 32> columns{{
    {fd, "fd", 3, ImGuiTableColumnFlags_DefaultSort | ImGuiTableColumnFlags_NoHide},
    {name, "name", 12},
    {kind, "kind", 8, sampled},
    {truth, "kernel", 6.5F, most_first},
    {peer, "peer", 10, sampled},
    {interest, "wants", 3.5F},
    {ready, "ready", 3.5F},
    {ready_share, "ready %", 4.5F, most_first, true},
    {rate, "calls/s", 5, most_first, true},
    {calls, "calls", 5, most_first, true},
    {action, "action", 6, ImGuiTableColumnFlags_NoSort, false, true},
    {average, "average", 5, most_first, true},
    {longest, "longest", 5, most_first, true},
    {p99, "site p99", 5, sampled, true},
    {idle_for, "idle for", 5.5F, most_first, true},
    {place, "added at", 11},
    {streak, "in a row", 6, most_first, true},
    {idle, "idle turns", 7, most_first | seldom, true},
    {local, "local", 10, sampled},
    {in, "bytes in", 5, sampled, true},
    {out, "bytes out", 5.5F, sampled, true},
    {state, "tcp", 7, sampled},
    {round_trip, "round trip", 6, sampled, true},
    {accept, "to accept", 6, sampled, true},
    {received, "received", 5.5F, most_first, true},
    {received_rate, "received/s", 6, most_first, true},
    {sent, "sent", 5.5F, most_first, true},
    {sent_rate, "sent/s", 6, most_first, true},
    {waiting, "queue", 8, most_first, true},
    {dropped, "dropped", 5, most_first, true},
    {age, "age", 5.5F, most_first, true},
    {chain, "scheduled by", 12},
}};

inline const char* help_of(unsigned column) {
    switch (column) {
    case fd: return "The number. A star: pinned.";
    case truth:
        return "What the kernel watches for it, beside what the loop believes. Ghost: closed while a "
               "duplicate lives, and so reported for ever. Lost: not watched any more, its handler waits in "
               "vain. Reused: the number is another file. All three: remove_handler() before closing. Not "
               "watched: the system lacks memory for it just now; the loop tries again.";
    case interest: return "What the handler waits for: R to read, W to write.";
    case ready: return "What it was ready for last; the exclamation mark is for errors and hang-ups.";
    case ready_share:
        return "In which share of the turns it was called, of late. Always ready: it does not consume "
               "what wakes it, or there is much to do.";
    case average: return "How long its calls take, of those that were recorded.";
    case longest: return "The longest of them. Yellow: longer than a call should be; the frame waits for it.";
    case p99: return "Of 100 calls of all handlers that were added at the same place, 99 took no longer.";
    case idle_for: return "Since its last call. '>': it may be longer.";
    case streak:
        return "Turns in a row in which it was ready, up to now. Yellow: it seems not to consume what wakes "
               "it.";
    case idle: return "Turns since its last call.";
    case in: return "Waiting to be read. It stays: nobody reads.";
    case out: return "Not sent yet. It grows: the other end is too slow, or gone.";
    case round_trip: return "Of a TCP connection, as the system smoothes it.";
    case accept:
        return "Connections that wait for accept(), and how many may. Yellow: full, new ones are dropped.";
    case received: return "Bytes until now, as the owner of the descriptor counts them, if it does.";
    case sent: return "Bytes until now, as the owner of the descriptor counts them, if it does.";
    case waiting:
        return "What the owner keeps: received, and not taken yet; and to be sent, for which the system has "
               "no room yet. The system's own is under 'bytes in' and 'bytes out'.";
    case dropped: return "Messages that were dropped, both ways. Yellow: some were.";
    case age: return "Since it was added. '>': it was there before the inspector looked.";
    case chain: return "What was running when it was added; and what had scheduled that, and so on.";
    default: return nullptr;
    }
}

} // namespace ioloop::imgui::descriptor_column
