// SPDX-License-Identifier: MIT
/// The table of call sites: a hash table of fixed width whose chains only ever grow, so that looking up
/// takes no lock. Call sites are facts of the program, not of a loop; hence one table for the process. It is
/// never torn down: a thread may still post while the process exits.
#include <ioloop/site.hpp>

#include <atomic>
#include <cstddef>
#include <mutex>

namespace ioloop {
namespace {

struct Node {
    Origin origin;
    SiteId id;
    const Node* next;
};

class SiteTable {
public:
    SiteId find_or_add(const Origin& origin) {
        std::atomic<const Node*>& bucket = buckets_[hash(origin) % bucket_count];
        if (const Node* node = find(bucket.load(std::memory_order_acquire), origin)) return node->id;

        const std::lock_guard lock(mutex_);
        const Node* first = bucket.load(std::memory_order_relaxed);
        if (const Node* node = find(first, origin)) return node->id;
        if (count_ == block_count * block_size)
            return SiteId::none; // 262,143 call sites: anonymous from here on
        const std::uint32_t index = count_;
        std::atomic<Block*>& block = blocks_[index / block_size];
        if (block.load(std::memory_order_relaxed) == nullptr) {
            block.store(new Block(), std::memory_order_release);
        }
        Node& node = (*block.load(std::memory_order_relaxed))[index % block_size];
        node = {origin, static_cast<SiteId>(index), first};
        bucket.store(&node, std::memory_order_release);
        ++count_;
        return node.id;
    }

    /// Requires: `site` came from find_or_add(), so its block is there to see.
    const Origin& origin(SiteId site) const noexcept {
        const auto index = static_cast<std::uint32_t>(site);
        return (*blocks_[index / block_size].load(std::memory_order_acquire))[index % block_size].origin;
    }

private:
    static constexpr std::size_t bucket_count = 1024;
    static constexpr std::size_t block_size = 256;
    static constexpr std::size_t block_count = 1024;
    using Block = std::array<Node, block_size>;

    // Pointers, not text: literals do not move, and comparing two addresses is all that a hot path can afford.
    static std::size_t hash(const Origin& origin) noexcept {
        const auto mix = reinterpret_cast<std::uintptr_t>(origin.file) * 31 +
                         reinterpret_cast<std::uintptr_t>(origin.name) * 7 +
                         origin.line * std::uintptr_t{2654435761};
        return mix ^ (mix >> 15U);
    }
    static const Node* find(const Node* node, const Origin& origin) noexcept {
        while (node != nullptr &&
               (node->origin.line != origin.line || node->origin.file != origin.file ||
                node->origin.name != origin.name || node->origin.internal != origin.internal)) {
            node = node->next;
        }
        return node;
    }

    std::array<std::atomic<const Node*>, bucket_count> buckets_{};
    std::array<std::atomic<Block*>, block_count> blocks_{};
    std::mutex mutex_;
    std::uint32_t count_ = 1; ///< number 0 is SiteId::none
};

SiteTable& sites() {
    static SiteTable& table = *new SiteTable();
    return table;
}

} // namespace

SiteId site_of(const Origin& origin) { return sites().find_or_add(origin); }

const Origin& origin_of(SiteId site) noexcept {
    static constexpr Origin nowhere;
    return site == SiteId::none ? nowhere : sites().origin(site);
}

} // namespace ioloop
