// SPDX-License-Identifier: MIT
#include "memory.hpp"

#include "bench/samples.hpp"
#include "bench/table.hpp"
#include "descriptors.hpp"

#include <ioloop/io_loop.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory_resource>
#include <ostream>
#include <string>
#include <vector>

#include <malloc.h>

namespace bench::peers {

namespace {

using namespace ioloop;

/// Counts the bytes that are held.
class Counting final : public std::pmr::memory_resource {
public:
    std::size_t held() const noexcept { return held_; }

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        held_ += bytes;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
        held_ -= bytes;
        std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
    }
    bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

    std::size_t held_ = 0;
};

/// Of the whole process, with what the allocator adds.
std::size_t heap_in_use() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

/// Calls `fill(loop, i)` so many times.
template <class F>
void measure(Table& table, const char* what, std::size_t count, const char* goal, F&& fill) {
    Counting resource;
    IOLoop::Options options;
    options.memory = &resource;
    IOLoop loop(std::move(options));
    loop.run_once();
    const std::size_t held = resource.held();
    const std::size_t heap = heap_in_use();
    for (std::size_t i = 0; i < count; ++i) fill(loop, i);
    const auto each = [&](std::size_t bytes) {
        return with_decimals(static_cast<double>(bytes) / static_cast<double>(count), 0);
    };
    table.add({what, std::to_string(count), each(resource.held() - held), each(heap_in_use() - heap), goal});
}

} // namespace

void print_memory(std::ostream& out) {
    Table table("Bytes that the loop holds for each",
                {"what", "count", "of Options::memory", "of the heap", "goal"});
    // Just below and just above what a power of two makes room for: what grows by doubling is between these.
    for (const std::size_t count : {std::size_t{4000}, std::size_t{8000}}) {
        const std::size_t fits = std::min(count, descriptors_to_use());
        std::vector<int> fds;
        for (std::size_t i = 0; i < fits; ++i) fds.push_back(silent_socket());
        measure(table, "idle handler", fits, "160", [&](IOLoop& loop, std::size_t i) {
            loop.add_handler(
                fds[i], [](Fd, Events) {}, Events::read, "idle");
        });
        for (const int fd : fds) ::close(fd);
    }
    for (const std::size_t count : {std::size_t{66'000}, std::size_t{100'000}, std::size_t{130'000}}) {
        measure(table, "timeout", count, "112", [](IOLoop& loop, std::size_t i) {
            loop.call_later(
                std::chrono::hours(1) + std::chrono::microseconds(i), [] {}, "far");
        });
    }
    for (const std::size_t count : {std::size_t{66'000}, std::size_t{100'000}, std::size_t{130'000}})
        measure(table, "queued callback", count, "96",
                [](IOLoop& loop, std::size_t) { loop.add_callback([] {}, "queued"); });
    table.print_markdown(out);
}

} // namespace bench::peers
