// SPDX-License-Identifier: MIT
#include "callback_arena.hpp"

#include <algorithm>

namespace ioloop {

const Context CallbackRecord::no_context;

CallbackArena::~CallbackArena() {
    for (Taker taker(*this); !empty();) Taken{taker};
    for (Chunk* chunks : {first_, spare_}) {
        while (chunks != nullptr) free(std::exchange(chunks, chunks->next));
    }
}

void CallbackArena::add_chunk() {
    if (spare_ == nullptr) {
        spare_ = ::new (memory_->allocate(sizeof(Chunk), alignof(Chunk))) Chunk(memory_);
        ++spares_;
    }
    Chunk* const chunk = spare_;
    spare_ = std::exchange(chunk->next, nullptr);
    --spares_;
    (last_ != nullptr ? last_->next : first_) = chunk;
    last_ = chunk;
}

/// The first chunk is read to its end, and there is another one.
void CallbackArena::next_chunk() noexcept {
    Chunk* const done = std::exchange(first_, first_->next);
    read_ = 0;
    if (done->pins == 0) recycle(done); // else when the last of its callbacks returns
}

void CallbackArena::recycle(Chunk* chunk) noexcept {
    chunk->end = 0;
    chunk->next = std::exchange(spare_, chunk);
    ++spares_;
}

void CallbackArena::free(Chunk* chunk) noexcept {
    chunk->memory->deallocate(chunk, sizeof(Chunk), alignof(Chunk));
}

void CallbackArena::take_over(CallbackArena& from) noexcept {
    if (from.empty()) return;
    std::size_t taken = 0;
    for (const Chunk* chunk = from.first_; chunk != nullptr; chunk = chunk->next) ++taken;
    (last_ != nullptr ? last_->next : first_) = std::exchange(from.first_, nullptr);
    last_ = std::exchange(from.last_, nullptr);
    pushed_.store(end_id() + from.size(), std::memory_order_relaxed);
    from.popped_.store(from.end_id(), std::memory_order_relaxed);
    for (; taken > 0 && spare_ != nullptr; --taken, --spares_) {
        Chunk* const given = spare_;
        spare_ = given->next;
        from.recycle(given);
    }
}

} // namespace ioloop
