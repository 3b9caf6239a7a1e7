// SPDX-License-Identifier: MIT
/// ScarceMemory: grants so many allocations, and no more: then memory is out.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <new>

class ScarceMemory final : public std::pmr::memory_resource {
public:
    int granted = 1000;

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (granted == 0) throw std::bad_alloc();
        --granted;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};
