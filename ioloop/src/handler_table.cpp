// SPDX-License-Identifier: MIT
#include "handler_table.hpp"

#include <cstddef>
#include <utility>

namespace ioloop {

HandlerEntry* HandlerTable::find(Fd fd) noexcept {
    const auto index = static_cast<std::size_t>(fd);
    if (fd < 0 || index >= slots_.size() || slots_[index] == no_slot) return nullptr;
    return &entries_.at(slots_[index]);
}

Poller::Key HandlerTable::key_of(Fd fd) const noexcept {
    const std::uint32_t slot = slots_[static_cast<std::size_t>(fd)];
    return make_key(slot, entries_.generation(slot));
}

Poller::Key HandlerTable::emplace(HandlerEntry&& entry) {
    // Made before the chunk of slots, so that remove() never allocates.
    const std::uint32_t end = entries_.end_after_emplace();
    if (removed_turns_.size() < end) removed_turns_.resize(end);
    const auto id = entries_.emplace(std::move(entry));
    return make_key(id.slot, id.generation);
}

void HandlerTable::bind(Poller::Key key) {
    const auto index = static_cast<std::size_t>(at(key).fd);
    if (index >= slots_.size()) slots_.resize(index + 1, no_slot);
    slots_[index] = slot_of(key);
}

void HandlerTable::discard(Poller::Key key) noexcept {
    entries_.retire(slot_of(key));
    entries_.release(slot_of(key));
}

void HandlerTable::remove(Fd fd, std::uint64_t turn) noexcept {
    const std::uint32_t slot = std::exchange(slots_[static_cast<std::size_t>(fd)], no_slot);
    removed_turns_[slot] = turn;
    entries_.retire(slot);
    if (!entries_.at(slot).running) entries_.release(slot);
}

bool HandlerTable::removed_in(Poller::Key key, std::uint64_t turn) const noexcept {
    const std::uint32_t slot = slot_of(key);
    return slot < removed_turns_.size() && removed_turns_[slot] == turn;
}

} // namespace ioloop
