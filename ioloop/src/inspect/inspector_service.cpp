// SPDX-License-Identifier: MIT
#include "inspector_server_impl.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace ioloop {
namespace {

using namespace std::chrono_literals;

constexpr Duration message_window = 100ms; ///< in which a viewer may say
constexpr int most_said = 64;              ///< so many messages, and ask for
constexpr std::size_t most_asked = 128;    ///< descriptors that it waits for at a time

constexpr Duration between_summaries = 400ms;
constexpr int time_share = 100; ///< of its time the loop gives one part to making moments

/// Takes as long for any two tokens of these lengths.
bool same_token(std::string_view said, std::string_view right) noexcept {
    auto difference = static_cast<unsigned>(said.size() ^ right.size());
    for (std::size_t i = 0; i < right.size(); ++i) {
        const char c = said.empty() ? '\0' : said[i % said.size()];
        difference |= static_cast<unsigned>(static_cast<unsigned char>(c ^ right[i]));
    }
    return difference == 0;
}

} // namespace

/// False: no viewer says that.
bool InspectorServer::Impl::hear(Viewer& viewer, const MessageLink::Frame& frame) {
    const TimePoint time = now();
    if (time - viewer.window_begins > message_window) {
        viewer.window_begins = time;
        viewer.said = 0;
    }
    if (++viewer.said > most_said) return false;
    if (!viewer.greeted) return frame.message == Message::hello && hear_hello(viewer, frame);
    switch (frame.message) {
    case Message::next: viewer.wants_moment = true; return frame.bytes.empty();
    case Message::describe: return hear_describe(viewer, frame);
    case Message::command: return hear_command(viewer, frame);
    default: return false;
    }
}

bool InspectorServer::Impl::hear_hello(Viewer& viewer, const MessageLink::Frame& frame) {
    Hello hello;
    if (!read_hello(frame.bytes, hello)) return false;
    if (hello.version != wire_version) {
        refuse(viewer, true, Text("the program speaks version ").add(std::uint64_t{wire_version}));
    } else if (!same_token(hello.token, options_.token)) {
        refuse(viewer, true, "the token is not the right one");
    } else {
        viewer.greeted = true;
        write_welcome(viewer.link.out(), {wire_version, options_.allow_commands, loop_.name()});
    }
    return true;
}

bool InspectorServer::Impl::hear_describe(Viewer& viewer, const MessageLink::Frame& frame) {
    std::vector<std::uint64_t> ids;
    if (!read_describe(frame.bytes, ids)) return false;
    // What is too much it will ask again.
    ids.resize(std::min(ids.size(), most_asked - viewer.asked.size()));
    viewer.asked.insert(viewer.asked.end(), ids.begin(), ids.end());
    return true;
}

/// At the pace of moments, as the list for it may be as long.
void InspectorServer::Impl::send_descriptors(Viewer& viewer) {
    const TimePoint begin = now();
    std::vector<std::uint64_t> ids = std::exchange(viewer.asked, {});
    // By their ids, in a fresh list: the numbers that the viewer sees may be other files' by now.
    std::sort(ids.begin(), ids.end());
    loop_.snapshot(fresh_);
    std::vector<Described> found;
    const auto tell = [&] {
        write_descriptors(viewer.link.out(), found);
        found.clear();
    };
    for (const HandlerInfo& info : fresh_.handlers) {
        if (!std::binary_search(ids.begin(), ids.end(), info.id)) continue;
        found.emplace_back(info.id, describe(info.fd));
        if (found.size() == most_described) tell();
    }
    tell();
    const TimePoint end = now();
    viewer.next_descriptors = after(end, share_of(end - begin));
}

/// For how long there is to be nothing like it, after what has taken so long.
Duration InspectorServer::Impl::share_of(Duration took) const {
    return took * time_share * static_cast<int>(viewers_.size());
}

bool InspectorServer::Impl::hear_command(Viewer& viewer, const MessageLink::Frame& frame) {
    NumberedCommand numbered;
    if (!read_command(frame.bytes, numbered)) return false;
    if (!options_.allow_commands) {
        write_outcome(viewer.link.out(),
                      {numbered.number, "refused: the program lets viewers look, and do nothing"});
        return true;
    }
    numbered.command.breakpoint.site = viewer.encoder.sites().site_of(numbered.site);
    pending_.push_back({viewer.number, numbered.number, numbered.command});
    return true;
}

void InspectorServer::Impl::send_moment(Viewer& viewer) {
    const TimePoint begin = now();
    if (source_->refresh(moment_, std::chrono::duration<double>(begin.time_since_epoch()).count())) ++lists_;
    // It is looked at from within a call of the server's own, which is of no interest.
    Snapshot& snapshot = moment_.snapshot;
    snapshot.in_call = snapshot.in_call && snapshot.statistics.depth > 1;

    MomentFrame frame;
    const auto shortest =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / options_.most_per_second));
    frame.next = std::max(shortest, viewer.pace);
    frame.lists = std::exchange(viewer.lists, lists_) != lists_;
    frame.summaries = begin - viewer.summaries_at >= between_summaries;
    if (frame.summaries) viewer.summaries_at = begin;

    std::vector<std::uint8_t>& out = viewer.link.out();
    const std::size_t at = begin_frame(out, Message::moment);
    viewer.encoder.encode(moment_, frame, options_.most_bytes, out);
    end_frame(out, at);
    viewer.wants_moment = false;
    ++counts_.moments;

    const TimePoint end = now();
    viewer.pace = std::max(shortest, share_of(end - begin));
    viewer.next_moment = after(end, viewer.pace);
}

// ---- commands -----------------------------------------------------------------------------------

/// The loop is paused, and in no call; by the server, if there was no other reason.
void InspectorServer::Impl::run_commands() {
    const auto commands = std::exchange(pending_, {});
    for (const PendingCommand& pending : commands) {
        const Text sentence = run_command(pending.command);
        if (!usable()) return; // a step has destroyed whatever it liked
        ++counts_.commands;
        if (Viewer* viewer = find(pending.viewer)) {
            write_outcome(viewer->link.out(), {pending.number, sentence});
            viewer->summaries_at = {};
            viewer->next_moment = {}; // who clicks wants to see what came of it
            watch(*viewer);
        }
    }
    if (std::exchange(paused_for_commands_, false)) loop_.set_paused(false);
    arm();
}

Text InspectorServer::Impl::run_command(const Command& command) {
    using Kind = Command::Kind;
    const bool stepping = command.kind == Kind::step_call || command.kind == Kind::step_turn;
    if (stepping && paused_for_commands_) return "not paused: there is nothing to step";
    const Text sentence = stepping ? step(command) : source_->request(command);
    if (!usable()) return sentence;
    if (command.kind == Kind::pause) {
        paused_for_commands_ = false;
        paused_by_viewer_ = loop_.paused();
    }
    if (command.kind == Kind::resume) paused_by_viewer_ = paused_for_commands_ = false;
    if (command.kind == Kind::add_breakpoint && breakpoints_.size() < Breakpoints::capacity)
        breakpoints_.push_back(command.breakpoint);
    if (command.kind == Kind::clear) {
        for (const auto& viewer : viewers_) viewer->encoder.forget_history();
    }
    return sentence;
}

/// What it runs is the program, and not the server's own. May destroy the server, or throw what the error hook throws.
Text InspectorServer::Impl::step(const Command& command) {
    struct Unwatched {
        explicit Unwatched(Impl& s) : server(s) { server.watch_all(false); }
        Unwatched(const Unwatched&) = delete;
        Unwatched& operator=(const Unwatched&) = delete;
        ~Unwatched() {
            if (server.usable()) server.watch_all(true);
        }
        Impl& server;
    } const unwatched(*this);
    return source_->request(command);
}

void InspectorServer::Impl::watch_all(bool on) {
    std::error_code removed;
    loop_.update_handler(listener_.fd(), on && listen_again_ == never ? Events::read : Events::none, removed);
    for (const auto& viewer : viewers_)
        loop_.update_handler(viewer->link.fd(), on ? viewer->watched : Events::none, removed);
}

/// Nobody is there any more who could resume a loop that waits for it.
void InspectorServer::Impl::let_go() {
    Recorder& recorder = source_->recorder();
    const std::uint64_t hits = recorder.breakpoints().last_hit().number;
    const bool hit = std::exchange(hits_before_, hits) != hits;
    pending_.clear();
    if (!options_.allow_commands) return;
    for (const Breakpoint& breakpoint : std::exchange(breakpoints_, {}))
        recorder.breakpoints().remove(breakpoint);
    const bool paused = std::exchange(paused_by_viewer_, false) || hit;
    if ((paused || std::exchange(paused_for_commands_, false)) && loop_.paused()) loop_.set_paused(false);
    paused_for_commands_ = false;
}

} // namespace ioloop
