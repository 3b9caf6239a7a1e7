// SPDX-License-Identifier: MIT
/// KeptClosure: the callable of a Function, where very many of them are kept for long. Floor 1.
///
/// A Function has room for every closure that does without the heap, and most capture a pointer or two: they would be
/// kept beside 32 bytes of nothing. Here the small ones lie in place, and the others in ClosureBlocks, which are used
/// again: once there are enough of them, nothing is allocated any more.
#pragma once

#include <ioloop/function.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <utility>

namespace ioloop {

/// Room for closures that are too large for where they are kept.
class ClosureBlocks {
public:
    struct alignas(64) Block {
        alignas(void*) std::byte closure[Function<void()>::inline_size];
        ClosureBlocks* home;
        Block* next; ///< that is free too
    };

    explicit ClosureBlocks(std::pmr::memory_resource* memory) noexcept : memory_(memory) {}
    ClosureBlocks(const ClosureBlocks&) = delete;
    ClosureBlocks& operator=(const ClosureBlocks&) = delete;
    /// Requires: all were given back.
    ~ClosureBlocks();

    /// Makes the next take() unable to fail. Errors: std::bad_alloc, with nothing changed.
    void reserve() {
        if (!reserved()) [[unlikely]]
            grow();
    }
    /// The next take() cannot fail.
    bool reserved() const noexcept { return free_ != nullptr; }
    /// Requires: reserved().
    Block& take() noexcept {
        Block& block = *free_;
        free_ = block.next;
        return block;
    }
    static void give(Block& block) noexcept { block.next = std::exchange(block.home->free_, &block); }

private:
    struct Chunk;

    void grow();

    std::pmr::memory_resource* memory_;
    Chunk* chunks_ = nullptr;
    Block* free_ = nullptr;
};

class KeptClosure {
public:
    /// True if it would lie in place.
    static bool fits(const Function<void()>& callable) noexcept {
        return callable.operations()->size <= sizeof storage_;
    }

    /// Requires: not null; and that it fits, or blocks.reserved().
    KeptClosure(Function<void()>&& callable, ClosureBlocks& blocks) noexcept
        : operations_(callable.operations()) {
        if (in_place()) [[likely]] {
            callable.move_small_to(storage_);
        } else {
            ClosureBlocks::Block& block = blocks.take();
            ::new (static_cast<void*>(storage_)) ClosureBlocks::Block*(&block);
            callable.move_to(block.closure);
        }
    }
    KeptClosure(const KeptClosure&) = delete;
    KeptClosure& operator=(const KeptClosure&) = delete;
    ~KeptClosure() {
        if (operations_->destroy != nullptr) operations_->destroy(closure());
        if (!in_place()) [[unlikely]]
            ClosureBlocks::give(block());
    }

    void operator()() { operations_->invoke(closure()); }

    /// As Function::owner().
    std::uint64_t owner() const noexcept {
        return operations_->owner != nullptr ? operations_->owner(const_cast<KeptClosure*>(this)->closure())
                                             : 0;
    }

private:
    bool in_place() const noexcept { return operations_->size <= sizeof storage_; }
    ClosureBlocks::Block& block() noexcept {
        return **std::launder(reinterpret_cast<ClosureBlocks::Block**>(storage_));
    }
    void* closure() noexcept { return in_place() ? storage_ : block().closure; }

    const Function<void()>::Operations* const operations_;
    alignas(void*) std::byte storage_[2 * sizeof(void*)]; ///< the closure, or where its block is
};

} // namespace ioloop
