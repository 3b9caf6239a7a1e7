// SPDX-License-Identifier: MIT
/// The table of call sites: a hash table of fixed width whose chains only ever grow, so that looking up takes no lock.
/// Floor 0.
///
/// Call sites are facts of the program, not of a loop; hence one table for the process. It is never torn down: a thread
/// may still post while the process exits.
#pragma once

#include <ioloop/site.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ioloop::site_table {

struct Node {
    Origin origin;
    SiteId id;
    const Node* next;
};

inline constexpr std::size_t width = 1024;
extern constinit std::array<std::atomic<const Node*>, width> buckets;

// Pointers, not text: literals do not move, and comparing two addresses is all that a hot path can afford. Names are not
// mixed in: there are hardly ever two of them in a line.
inline std::atomic<const Node*>& bucket_of(const Origin& origin) noexcept {
    const auto mix =
        (reinterpret_cast<std::uintptr_t>(origin.file) ^ origin.line) * std::uintptr_t{2654435761};
    return buckets[(mix >> 16U) % width];
}

inline const Node* find(const Node* node, const Origin& origin) noexcept {
    while (node != nullptr &&
           (node->origin.line != origin.line || node->origin.file != origin.file ||
            node->origin.name != origin.name || node->origin.internal != origin.internal)) {
        node = node->next;
    }
    return node;
}
/// Null: it has no number yet.
inline const Node* find(const Origin& origin) noexcept {
    return find(bucket_of(origin).load(std::memory_order_acquire), origin);
}

/// Of a site that was not found.
SiteId add(const Origin& origin);

/// site_of(), for the hot paths.
inline SiteId number(const Origin& origin) {
    const Node* const known = find(origin);
    return known != nullptr ? known->id : add(origin);
}

} // namespace ioloop::site_table
