// SPDX-License-Identifier: MIT
/// DescriptorCache: what the Source said lately of descriptors. That takes system calls, or a question to another
/// process; so it is asked once a second, and for rows in sight only.
#pragma once

#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/source.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace ioloop::imgui {

class DescriptorCache {
public:
    /// What the descriptor of a handler stands for. `now` is in seconds. Null if it is not known (yet).
    const Descriptor* find(Source& source, std::uint64_t id, Fd fd, double now, bool may_ask) {
        Entry& entry = entry_of(id);
        const bool known = entry.id == id && entry.asked_at >= 0;
        if (may_ask && !(known && now - entry.asked_at < 1.0)) {
            if (const Descriptor* said = source.describe(id, fd, now)) {
                entry = {id, now, *said};
                return &entry.descriptor;
            }
        }
        return known ? &entry.descriptor : nullptr;
    }
    /// What is known already, or null.
    const Descriptor* peek(std::uint64_t id) {
        const Entry& entry = entry_of(id);
        return entry.id == id && entry.asked_at >= 0 ? &entry.descriptor : nullptr;
    }

private:
    struct Entry {
        std::uint64_t id = 0;
        double asked_at = -1;
        Descriptor descriptor;
    };

    /// Its own, or the one to give up for it: the oldest of four.
    Entry& entry_of(std::uint64_t id) {
        const std::size_t set =
            static_cast<std::size_t>((id * 0x9E3779B97F4A7C15U) >> 40U) % (size / ways) * ways;
        std::size_t oldest = set;
        for (std::size_t i = set; i < set + ways; ++i) {
            if (entries_[i].id == id) return entries_[i];
            if (entries_[i].asked_at < entries_[oldest].asked_at) oldest = i;
        }
        return entries_[oldest];
    }

    static constexpr std::size_t size = 512;
    static constexpr std::size_t ways = 4;
    std::array<Entry, size> entries_{};
};

} // namespace ioloop::imgui
