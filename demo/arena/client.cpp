// SPDX-License-Identifier: MIT
#include "client.hpp"

#include <algorithm>
#include <utility>

namespace arena {

namespace {
constexpr std::size_t lines_kept = 8;
}

Client::Client(ioloop::IOLoop& loop, Link::Options options, std::function<void(const std::string&)> log)
    : loop_(loop),
      log_(std::move(log)),
      tick_(
          loop, tick_length, [this] { tick(); }, "send inputs"),
      link_(loop, std::move(options),
            {[this](const Welcome& welcome) { on_joined(welcome); },
             [this](const std::string& reason) { on_lost(reason); },
             [this](const std::string& text) { log_(text); },
             [this](const ToClient& message) { on_message(message); },
             [this](const Snapshot& snapshot) { sight_.take(snapshot, loop_.now()); }}) {}

void Client::set_autopilot(bool on, std::uint32_t seed) {
    if (on == autopilot()) return;
    autopilot_.reset();
    if (on) autopilot_.emplace(seed);
    input_ = {};
}

bool Client::say(std::string_view text) { return link_.send(Say{std::string(text.substr(0, longest_line))}); }

const Roster::Entry* Client::entry(PlayerId id) const noexcept {
    const auto at = std::find_if(roster_.players.begin(), roster_.players.end(),
                                 [&](const Roster::Entry& entry) { return entry.id == id; });
    return at != roster_.players.end() ? &*at : nullptr;
}

void Client::tick() {
    const ioloop::TimePoint now = loop_.now();
    if (autopilot_) input_ = autopilot_->think(sight_.ships(now), sight_.me());
    sent_.push_back(input_);
    if (sent_.size() > inputs_in_datagram) sent_.pop_front();
    sight_.foresee(++number_, input_, now);
    const std::vector<Input> inputs(sent_.begin(), sent_.end());
    link_.send_inputs(inputs, number_);
}

void Client::on_joined(const Welcome& welcome) {
    log_("in play at " + link_.server());
    sight_.forget();
    sight_.set_me(welcome.you);
    motd_port_ = welcome.motd_port;
    sent_.clear();
    tick_.start();
    if (on_joined_) on_joined_();
}

void Client::on_lost(const std::string& reason) {
    tick_.stop();
    roster_ = {};
    coming_ = {};
    note(nobody, "lost the server: " + reason);
}

void Client::on_message(const ToClient& message) {
    if (const auto* roster = std::get_if<Roster>(&message)) take(*roster);
    if (const auto* line = std::get_if<Line>(&message)) note(line->from, line->text);
}

/// A roster is shown as a whole, or not at all.
void Client::take(const Roster& part) {
    if (part.part == 0) coming_ = {.part = 0, .parts = part.parts, .players = {}};
    if (part.part != coming_.part || part.parts != coming_.parts)
        return; // of one whose beginning is not here
    coming_.players.insert(coming_.players.end(), part.players.begin(), part.players.end());
    if (++coming_.part == coming_.parts) roster_ = std::exchange(coming_, {});
}

void Client::note(PlayerId from, const std::string& text) {
    const Roster::Entry* who = entry(from);
    std::string name = who != nullptr ? who->name : from == nobody ? "" : "somebody";
    said_.push_back({loop_.now(), from, std::move(name), text});
    if (said_.size() > lines_kept) said_.pop_front();
    if (on_said_) on_said_(said_.back());
}

} // namespace arena
