// SPDX-License-Identifier: MIT
#include "site_table.hpp"

#include <cstddef>
#include <mutex>

namespace ioloop {
namespace site_table {

constinit std::array<std::atomic<const Node*>, width> buckets{};

namespace {

/// The sites, by number.
class Numbers {
public:
    SiteId add(const Origin& origin) {
        std::atomic<const Node*>& bucket = bucket_of(origin);
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

    /// Requires: `site` came from add(), so its block is there to see.
    const Origin& origin(SiteId site) const noexcept {
        const auto index = static_cast<std::uint32_t>(site);
        return (*blocks_[index / block_size].load(std::memory_order_acquire))[index % block_size].origin;
    }

private:
    static constexpr std::size_t block_size = 256;
    static constexpr std::size_t block_count = 1024;
    using Block = std::array<Node, block_size>;

    std::array<std::atomic<Block*>, block_count> blocks_{};
    std::mutex mutex_;
    std::uint32_t count_ = 1; ///< number 0 is SiteId::none
};

Numbers& numbers() {
    static Numbers& made = *new Numbers();
    return made;
}

} // namespace

SiteId add(const Origin& origin) { return numbers().add(origin); }

} // namespace site_table

SiteId site_of(const Origin& origin) { return site_table::number(origin); }

const Origin& origin_of(SiteId site) noexcept {
    static constexpr Origin nowhere;
    return site == SiteId::none ? nowhere : site_table::numbers().origin(site);
}

} // namespace ioloop
