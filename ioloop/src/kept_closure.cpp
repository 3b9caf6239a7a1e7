// SPDX-License-Identifier: MIT
#include "kept_closure.hpp"

#include <array>
#include <memory>

namespace ioloop {

struct ClosureBlocks::Chunk {
    std::array<Block, 63> blocks; // 4096 bytes, with the pointer
    Chunk* next;
};

ClosureBlocks::~ClosureBlocks() {
    while (chunks_ != nullptr) {
        Chunk* const chunk = std::exchange(chunks_, chunks_->next);
        memory_->deallocate(chunk, sizeof(Chunk), alignof(Chunk));
    }
}

void ClosureBlocks::grow() {
    auto* const chunk = static_cast<Chunk*>(memory_->allocate(sizeof(Chunk), alignof(Chunk)));
    std::uninitialized_default_construct_n(chunk, 1);
    chunk->next = std::exchange(chunks_, chunk);
    for (Block& block : chunk->blocks) {
        block.home = this;
        give(block);
    }
}

} // namespace ioloop
