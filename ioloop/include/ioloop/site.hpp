// SPDX-License-Identifier: MIT
/// Site: a call site as a number, and the chain of sites that led to it. Floor 0.
///
/// A program has a few hundred call sites and runs through them millions of times. So an Origin (32 bytes)
/// is interned once and then carried as a SiteId (4 bytes). That makes it cheap to keep, with every
/// callable, not only where it was scheduled but by what, four deep: the question «who asked for this?» has
/// an answer in release builds, always (the idea is Chromium's task_backtrace).
#pragma once

#include <ioloop/origin.hpp>

#include <array>
#include <cstdint>

namespace ioloop {

enum class SiteId : std::uint32_t { none = 0 };

/// The number of a call site, the same for the life of the process.
/// Thread: any; without a lock unless the site is new. Allocates when the site is new, never again.
SiteId site_of(const Origin& origin);

/// The call site of a number. Of `none`: an Origin without name and place.
/// Thread: any.
const Origin& origin_of(SiteId site) noexcept;

/// sites[0] scheduled the callable; sites[1] is what was running then; and so on. `none` ends it.
struct Chain {
    std::array<SiteId, 4> sites{};

    SiteId site() const noexcept { return sites[0]; }
    const Origin& origin() const noexcept { return origin_of(sites[0]); }

    /// The chain of something scheduled at `site` by a callable that has this chain.
    Chain then(SiteId site) const noexcept { return {{site, sites[0], sites[1], sites[2]}}; }
};

} // namespace ioloop
