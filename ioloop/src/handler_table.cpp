// SPDX-License-Identifier: MIT
#include "handler_table.hpp"

#include <utility>

namespace ioloop {

Poller::Key HandlerTable::key_of(Fd fd) const noexcept {
    const std::uint32_t slot = slots_.find(fd);
    return make_key(slot, entries_.generation(slot));
}

Poller::Key HandlerTable::emplace(HandlerEntry&& entry) {
    // Made before the chunk of slots, so that remove() never allocates.
    const std::uint32_t end = entries_.end_after_emplace();
    if (removals_.size() < end) removals_.resize(end);
    const auto id = entries_.emplace(std::move(entry));
    return make_key(id.slot, id.generation);
}

void HandlerTable::bind(Poller::Key key) { slots_.set(at(key).fd, slot_of(key)); }

HandlerEntry HandlerTable::rebind(Poller::Key key, std::uint64_t turn) {
    const std::uint32_t slot = slots_.find(at(key).fd);
    bind(key);
    removals_[slot] = {static_cast<std::uint32_t>(turn), entries_.at(slot).chain.site()};
    entries_.retire(slot);
    HandlerEntry earlier;
    if (!entries_.at(slot).running) {
        earlier = std::move(entries_.at(slot));
        entries_.release(slot);
    }
    return earlier;
}

void HandlerTable::discard(Poller::Key key) noexcept {
    entries_.retire(slot_of(key));
    entries_.release(slot_of(key));
}

void HandlerTable::remove(Fd fd, std::uint64_t turn) noexcept {
    const std::uint32_t slot = slots_.find(fd);
    slots_.erase(fd);
    removals_[slot] = {static_cast<std::uint32_t>(turn), entries_.at(slot).chain.site()};
    entries_.retire(slot);
    if (!entries_.at(slot).running) entries_.release(slot);
}

HandlerTable::Removal HandlerTable::removal_of(Poller::Key key) const noexcept {
    const std::uint32_t slot = slot_of(key);
    return slot < removals_.size() ? removals_[slot] : Removal{};
}

} // namespace ioloop
