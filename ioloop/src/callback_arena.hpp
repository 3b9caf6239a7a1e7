// SPDX-License-Identifier: MIT
/// CallbackArena: callbacks in the order of posting, each as long as it is, one behind the other in chunks of memory.
/// Floor 1.
///
/// A queue of Functions would move each callback twice, and give it room for the largest closure there may be. Here it
/// is written once, called and destroyed where it lies, and takes 32 bytes if it captures two pointers. Chunks never move, so
/// a callback that runs may post as many others as it likes; and they are used again.
///
/// Thread: one at a time, but for size() and empty().
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/context.hpp>
#include <ioloop/function.hpp>
#include <ioloop/site.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <utility>

namespace ioloop {

namespace detail {
inline constexpr std::size_t arena_align = 16;
constexpr std::size_t arena_round_up(std::size_t bytes) noexcept {
    return (bytes + arena_align - 1) & ~(arena_align - 1);
}
} // namespace detail

/// What a callback comes with.
struct CallbackLabel {
    Chain chain;
    Context context;
    TimePoint posted_at{}; ///< zero: not stamped (yet)
    bool from_outside = false;
    bool stampable = false; ///< keeps room for posted_at

    /// Says where it was posted, and no more.
    bool plain() const noexcept {
        return chain.sites[1] == SiteId::none && !context && posted_at == TimePoint{} && !stampable;
    }
};

/// A callback in its place.
class CallbackRecord {
public:
    void operator()() { operations_->invoke(closure()); }

    Chain chain() const noexcept { return details_ ? details().chain : Chain{{site_}}; }
    const Context& context() const noexcept { return details_ ? details().context : no_context; }
    TimePoint posted_at() const noexcept { return details_ ? details().posted_at : TimePoint{}; }
    bool from_outside() const noexcept { return from_outside_; }
    /// Unless it is stamped already, or has no room for that.
    void stamp(TimePoint now) noexcept {
        if (details_ && details().posted_at == TimePoint{}) details().posted_at = now;
    }
    /// As Function::owner().
    std::uint64_t owner() const noexcept {
        return operations_->owner != nullptr ? operations_->owner(closure()) : 0;
    }

private:
    friend class CallbackArena;

    CallbackRecord(const Function<void()>::Operations* operations, SiteId site, std::uint16_t size,
                   bool details, bool from_outside) noexcept
        : operations_(operations),
          site_(site),
          size_(size),
          details_(details),
          from_outside_(from_outside) {}

    /// Of those that are not plain: between the record and its closure.
    struct Details {
        Chain chain;
        Context context;
        TimePoint posted_at;
    };
    static const Context no_context;

    std::byte* behind(std::size_t offset) const noexcept {
        auto* const begin = const_cast<std::byte*>(reinterpret_cast<const std::byte*>(this));
        return begin + detail::arena_round_up(sizeof *this) + offset;
    }
    Details& details() const noexcept { return *std::launder(reinterpret_cast<Details*>(behind(0))); }
    void* closure() const noexcept { return behind(details_ ? detail::arena_round_up(sizeof(Details)) : 0); }

    const Function<void()>::Operations* operations_;
    SiteId site_;
    std::uint16_t size_; ///< of all, in bytes
    bool details_;
    bool from_outside_;
};

class CallbackArena {
    struct Chunk {
        explicit Chunk(std::pmr::memory_resource* m) noexcept : memory(m) {}

        Chunk* next = nullptr;
        std::pmr::memory_resource* memory; ///< whence it came
        std::uint32_t end = 0;             ///< of what was written
        std::uint32_t pins = 0;            ///< callbacks in here that are on the stack
        alignas(detail::arena_align) std::byte bytes[4032];
    };

public:
    /// A place in the order: what is pushed later comes behind it.
    struct Mark {
        std::uint64_t count = 0; ///< the id of the next that is pushed
        Chunk* chunk = nullptr;
        std::uint32_t offset = 0;
    };

    explicit CallbackArena(std::pmr::memory_resource* memory) noexcept : memory_(memory) {}
    CallbackArena(const CallbackArena&) = delete;
    CallbackArena& operator=(const CallbackArena&) = delete;
    ~CallbackArena();

    /// Requires: not null. Errors: std::bad_alloc, with both untouched.
    void push(Function<void()>&& callback, CallbackLabel&& label) {
        if (label.plain()) return push(std::move(callback), label.chain.site(), label.from_outside);
        constexpr std::size_t details = detail::arena_round_up(sizeof(CallbackRecord::Details));
        CallbackRecord& record = write(callback, details, label.chain.site(), label.from_outside);
        ::new (record.behind(0))
            CallbackRecord::Details{label.chain, std::move(label.context), label.posted_at};
        callback.move_to(record.closure());
    }
    /// The same with a plain label.
    void push(Function<void()>&& callback, SiteId site, bool from_outside = false) {
        callback.move_to(write(callback, 0, site, from_outside).closure());
    }
    /// The same, if there is room for every callback and this one is moved as bytes. Else false, with both untouched. It calls
    /// nothing: what a post costs most of the time.
    bool try_push(Function<void()>& callback, SiteId site, bool from_outside) noexcept {
        if (!has_room_for(callback)) return false;
        callback.move_to(append(callback, 0, site, from_outside).closure());
        return true;
    }
    /// The same, posted by a callable that has this chain.
    bool try_push(Function<void()>& callback, const Chain& chain) noexcept {
        if (!has_room_for(callback)) return false;
        CallbackRecord& record =
            append(callback, detail::arena_round_up(sizeof(CallbackRecord::Details)), chain.site(), false);
        ::new (record.behind(0)) CallbackRecord::Details{chain, {}, {}};
        callback.move_to(record.closure());
        return true;
    }

    /// Takes over all that `from` has, behind what is here, and gives it chunks in exchange.
    void take_over(CallbackArena& from) noexcept;

    /// Callbacks are counted: the id of one is how many were there before. Thread: any.
    std::uint64_t front_id() const noexcept { return popped_.load(std::memory_order_relaxed); }
    std::uint64_t end_id() const noexcept { return pushed_.load(std::memory_order_relaxed); }
    std::size_t size() const noexcept {
        // In this order: to a thread that only looks, it may seem to be fuller than it is, and never less than empty.
        const std::uint64_t front = popped_.load(std::memory_order_acquire);
        return static_cast<std::size_t>(pushed_.load(std::memory_order_relaxed) - front);
    }
    bool empty() const noexcept { return size() == 0; }

    /// Requires: not empty.
    CallbackRecord& front() noexcept {
        if (read_ == first_->end) [[unlikely]]
            next_chunk();
        return *at(first_, read_);
    }

    /// The first callback, taken out of the order and kept in its place; destroyed with this. Requires: not empty.
    class Taken {
    public:
        explicit Taken(CallbackArena& arena) noexcept : arena_(arena), record_(&arena.front()) {
            chunk_ = arena.first_;
            arena.read_ += record_->size_;
            ++chunk_->pins;
            arena.popped_.store(arena.front_id() + 1, std::memory_order_release);
        }
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;
        ~Taken() {
            destroy(*record_);
            if (--chunk_->pins == 0) arena_.release(chunk_);
        }
        CallbackRecord& operator*() const noexcept { return *record_; }
        CallbackRecord* operator->() const noexcept { return record_; }

    private:
        CallbackArena& arena_;
        CallbackRecord* record_;
        Chunk* chunk_;
    };

    /// Behind all that is there.
    Mark mark() const noexcept { return {end_id(), last_, last_ != nullptr ? last_->end : 0}; }
    /// Calls f(record) for what was pushed since, and has not been taken out.
    template <class F> void for_each_since(const Mark& mark, F&& f) {
        if (mark.count == end_id() || empty()) return;
        // If all from before the mark is taken out, what is there came since. Else the mark's chunk is still in use.
        const bool from_front = front_id() >= mark.count;
        walk(from_front ? first_ : mark.chunk, from_front ? read_ : mark.offset, f);
    }
    /// Calls f(id, record) in the order of running.
    template <class F> void for_each(F&& f) const {
        std::uint64_t id = front_id();
        if (!empty()) walk(first_, read_, [&](const CallbackRecord& record) { f(id++, record); });
    }

private:
    static std::size_t size_of(const Function<void()>& callback, std::size_t details) noexcept {
        return detail::arena_round_up(sizeof(CallbackRecord)) + details +
               detail::arena_round_up(callback.operations()->size);
    }
    bool has_room_for(const Function<void()>& callback) const noexcept {
        constexpr std::size_t largest = detail::arena_round_up(sizeof(CallbackRecord)) +
                                        detail::arena_round_up(sizeof(CallbackRecord::Details)) +
                                        Function<void()>::inline_size;
        return last_ != nullptr && last_->end <= sizeof last_->bytes - largest &&
               callback.operations()->relocate == nullptr;
    }
    /// A record with room for its closure, and for so many bytes before that.
    CallbackRecord& write(const Function<void()>& callback, std::size_t details, SiteId site,
                          bool from_outside) {
        if (last_ == nullptr || sizeof last_->bytes - last_->end < size_of(callback, details)) [[unlikely]]
            add_chunk();
        return append(callback, details, site, from_outside);
    }
    CallbackRecord& append(const Function<void()>& callback, std::size_t details, SiteId site,
                           bool from_outside) noexcept {
        const std::size_t size = size_of(callback, details);
        void* const place = last_->bytes + last_->end;
        last_->end += static_cast<std::uint32_t>(size);
        pushed_.store(end_id() + 1, std::memory_order_relaxed);
        return *::new (place) CallbackRecord(callback.operations(), site, static_cast<std::uint16_t>(size),
                                             details != 0, from_outside);
    }

    static CallbackRecord* at(Chunk* chunk, std::uint32_t offset) noexcept {
        return std::launder(reinterpret_cast<CallbackRecord*>(chunk->bytes + offset));
    }
    static void destroy(CallbackRecord& record) noexcept {
        if (record.operations_->destroy != nullptr) record.operations_->destroy(record.closure());
        if (record.details_) record.details().~Details();
    }
    template <class F> static void walk(Chunk* chunk, std::uint32_t offset, F&& f) {
        for (; chunk != nullptr; chunk = chunk->next, offset = 0) {
            for (; offset < chunk->end; offset += at(chunk, offset)->size_) f(*at(chunk, offset));
        }
    }

    void add_chunk();
    void next_chunk() noexcept;
    /// No callback of this chunk is on the stack any more.
    void release(Chunk* chunk) noexcept {
        if (chunk != first_) {
            recycle(chunk);
        } else if (chunk == last_ && read_ == chunk->end) {
            read_ = chunk->end = 0; // from the beginning: that memory is in the cache
        }
    }
    void recycle(Chunk* chunk) noexcept;
    static void free(Chunk* chunk) noexcept;

    std::pmr::memory_resource* memory_;
    Chunk* first_ = nullptr; ///< null: nothing was pushed yet
    Chunk* last_ = nullptr;
    std::uint32_t read_ = 0; ///< where the next one begins, in first_
    std::atomic<std::uint64_t> pushed_{0};
    std::atomic<std::uint64_t> popped_{0};
    Chunk* spare_ = nullptr;
    std::size_t spares_ = 0;
};

} // namespace ioloop
