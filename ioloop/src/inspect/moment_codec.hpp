// SPDX-License-Identifier: MIT
/// MomentEncoder, MomentDecoder: a Moment as bytes, and back. Floor 3.
///
/// One encoder for each viewer: it remembers what that one has, and of what is recorded (calls, turns, changes, errors)
/// it writes what is new. The lists of the snapshot and the summaries are written whole, when asked for.
#pragma once

#include "site_names.hpp"
#include "site_numbers.hpp"

#include <ioloop/inspect/moment.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ioloop {

/// What goes with a moment.
struct MomentFrame {
    Duration next{}; ///< ask for the next one no sooner
    bool lists = true;
    bool summaries = true; ///< profiles, health, findings
};

class MomentEncoder {
public:
    /// Appends to `out`. About `most_bytes` at most: then rows of the lists are left out.
    void encode(const Moment& moment, const MomentFrame& frame, std::size_t most_bytes,
                std::vector<std::uint8_t>& out);
    /// What was recorded is written from the beginning again: it was cleared.
    void forget_history() noexcept { calls_ = changes_ = errors_ = turns_ = last_turn_ = 0, anew_ = true; }

    SiteNumbers& sites() noexcept { return sites_; }

private:
    template <class Wire> void write_history(Wire& wire, const Moment& moment);
    void write_sites(std::vector<std::uint8_t>& out);

    SiteNumbers sites_;
    std::vector<std::uint8_t> body_; ///< its sites go before it
    std::uint64_t calls_ = 0;        ///< seen, as of the last moment; the same for the others
    std::uint64_t turns_ = 0;
    std::uint64_t changes_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t last_turn_ = 0; ///< the number of the last one that was written
    bool anew_ = true;
};

class MomentDecoder {
public:
    /// `calls`, `turns`: how many to keep.
    explicit MomentDecoder(std::size_t calls = 1024, std::size_t turns = 512)
        : most_calls_(calls),
          most_turns_(turns) {}

    /// Brings `moment` up to date. False if it is no moment; then `moment` holds nonsense.
    bool decode(std::span<const std::uint8_t> bytes, Moment& moment, MomentFrame& frame);

    /// Rows of the last lists that were too many to be sent.
    std::uint64_t left_out() const noexcept { return left_out_; }
    const SiteNames& sites() const noexcept { return sites_; }

private:
    SiteNames sites_;
    std::size_t most_calls_;
    std::size_t most_turns_;
    std::uint64_t left_out_ = 0;
};

} // namespace ioloop
