// SPDX-License-Identifier: MIT
/// SiteList: the call sites of a loop, in numbers: what ran of each, and what lives of each now. A site of
/// which something lives and nothing was recorded is one, too.
#pragma once

#include "id_map.hpp"
#include "subject.hpp"
#include "view.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ioloop::imgui {

struct SiteInfo {
    SiteKey key;
    std::uint64_t calls = 0;
    std::uint64_t threw = 0;
    std::uint64_t created = 0; ///< registered, armed or posted
    std::uint64_t live = 0;    ///< registered, pending or queued now
    Duration busy{};           ///< all calls together
    Duration average{};
    Duration p99{};
    Duration longest{};
    Duration late_p99{}; ///< handlers: zero
};
inline std::uint64_t id_of(const SiteInfo& info) { return id_of(info.key); }
inline bool is_internal(const SiteInfo& info) { return origin_of(info.key.site).internal; }

class SiteList {
public:
    /// Once a frame that shows them. Counts what lives once for each moment, and takes percentiles only if
    /// there were calls. True if the profiles are new: otherwise they are older than the moment, by up to a
    /// quarter of a second.
    bool update(const View& view);
    std::span<const SiteInfo> sites() const { return sites_; }

private:
    void summarize(const Moment& moment);
    void count_living(const Snapshot& snapshot);
    void count_one(SiteKey key);

    std::vector<SiteInfo> sites_; ///< those with a profile, then the others
    std::size_t profiled_ = 0;
    std::uint64_t profile_stamp_ = 0;
    std::uint64_t version_ = 0;
    IdMap index_; ///< from a site's id into sites_
};

} // namespace ioloop::imgui
