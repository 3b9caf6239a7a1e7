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
#include <cstring>
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

    Chain chain() const noexcept { return detailed() ? details().chain : Chain{{site_}}; }
    const Context& context() const noexcept { return detailed() ? details().context : no_context; }
    TimePoint posted_at() const noexcept { return detailed() ? details().posted_at : TimePoint{}; }
    bool from_outside() const noexcept { return from_outside_; }
    /// Unless it is stamped already, or has no room for that.
    void stamp(TimePoint now) noexcept {
        if (detailed() && details().posted_at == TimePoint{}) details().posted_at = now;
    }
    /// As Function::owner().
    std::uint64_t owner() const noexcept {
        return operations_->owner != nullptr ? operations_->owner(closure()) : 0;
    }

private:
    friend class CallbackArena;

    CallbackRecord(const Function<void()>::Operations* operations, SiteId site, std::uint16_t size,
                   std::uint8_t closure_at, bool from_outside) noexcept
        : operations_(operations),
          site_(site),
          size_(size),
          closure_at_(closure_at),
          from_outside_(from_outside) {}

    /// Of those that are not plain: between the record and its closure.
    struct Details {
        Chain chain;
        Context context;
        TimePoint posted_at;
    };
    static const Context no_context;

    std::byte* at(std::size_t offset) const noexcept {
        return const_cast<std::byte*>(reinterpret_cast<const std::byte*>(this)) + offset;
    }
    inline bool detailed() const noexcept;
    inline Details& details() const noexcept;
    void* closure() const noexcept { return at(closure_at_); }
    void set_closure(detail::ClosureWords words) noexcept { std::memcpy(closure(), &words, sizeof words); }

    const Function<void()>::Operations* operations_;
    SiteId site_;
    std::uint16_t size_; ///< of all, in bytes
    std::uint8_t closure_at_;
    bool from_outside_;

    static const std::size_t plain_size;    ///< of the record alone, in bytes: there its closure begins,
    static const std::size_t detailed_size; ///< or here, behind the details
};

inline constexpr std::size_t CallbackRecord::plain_size = detail::arena_round_up(sizeof(CallbackRecord));
inline constexpr std::size_t CallbackRecord::detailed_size =
    plain_size + detail::arena_round_up(sizeof(Details));

inline bool CallbackRecord::detailed() const noexcept { return closure_at_ != plain_size; }
inline CallbackRecord::Details& CallbackRecord::details() const noexcept {
    return *std::launder(reinterpret_cast<Details*>(at(plain_size)));
}

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
    using Operations = Function<void()>::Operations;

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
        const bool plain = label.plain();
        CallbackRecord& record =
            write(*callback.operations(), plain ? CallbackRecord::plain_size : CallbackRecord::detailed_size,
                  label.chain.site(), label.from_outside);
        if (!plain)
            ::new (record.at(CallbackRecord::plain_size))
                CallbackRecord::Details{label.chain, std::move(label.context), label.posted_at};
        callback.move_to(record.closure());
    }
    /// The words of a closure, with a plain label.
    void push(const Operations& operations, detail::ClosureWords closure, SiteId site, bool from_outside) {
        CallbackRecord& record = write(operations, CallbackRecord::plain_size, site, from_outside);
        record.set_closure(closure);
    }
    /// The same if there is room for every callback. Else false. It calls nothing: what a post costs most of the time.
    bool try_push(const Operations& operations, detail::ClosureWords closure, SiteId site,
                  bool from_outside) noexcept {
        if (!has_room()) return false;
        CallbackRecord& record =
            append(operations, CallbackRecord::plain_size, sizeof closure, site, from_outside);
        record.set_closure(closure);
        return true;
    }
    /// The same, posted by a callable that has this chain.
    bool try_push(const Operations& operations, detail::ClosureWords closure, const Chain& chain) noexcept {
        if (!has_room()) return false;
        CallbackRecord& record =
            append(operations, CallbackRecord::detailed_size, sizeof closure, chain.site(), false);
        ::new (record.at(CallbackRecord::plain_size)) CallbackRecord::Details{chain, {}, {}};
        record.set_closure(closure);
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

    /// Takes callbacks out of the order, one after the other. While it lives, the last one's place is not used again.
    class Taker {
    public:
        explicit Taker(CallbackArena& arena) noexcept : arena_(arena) {}
        Taker(const Taker&) = delete;
        Taker& operator=(const Taker&) = delete;
        ~Taker() { unpin(); }

        /// The first. Requires: not empty.
        CallbackRecord& take() noexcept {
            CallbackRecord& record = arena_.front();
            if (arena_.first_ != chunk_)
                [[unlikely]] // the one before was the last in there, or another Taker went on
                pin(arena_.first_);
            arena_.read_ += record.size_;
            arena_.popped_.store(arena_.front_id() + 1, std::memory_order_release);
            return record;
        }

    private:
        void pin(Chunk* chunk) noexcept {
            unpin();
            chunk_ = chunk;
            ++chunk->pins;
        }
        void unpin() noexcept {
            if (chunk_ != nullptr && --chunk_->pins == 0) arena_.release(chunk_);
        }

        CallbackArena& arena_;
        Chunk* chunk_ = nullptr;
    };

    /// A callback that was taken out; destroyed with this.
    class Taken {
    public:
        /// Lifetime of the Taker: longer.
        explicit Taken(Taker& taker) noexcept : record_(&taker.take()) {}
        Taken(const Taken&) = delete;
        Taken& operator=(const Taken&) = delete;
        ~Taken() { destroy(*record_); }
        CallbackRecord& operator*() const noexcept { return *record_; }
        CallbackRecord* operator->() const noexcept { return record_; }

    private:
        CallbackRecord* record_;
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
    bool has_room() const noexcept {
        constexpr std::size_t largest = CallbackRecord::detailed_size + Function<void()>::inline_size;
        return last_ != nullptr && last_->end <= sizeof last_->bytes - largest;
    }
    /// A record with room for its closure, which begins so many bytes after it.
    CallbackRecord& write(const Operations& operations, std::size_t closure_at, SiteId site,
                          bool from_outside) {
        const std::size_t size = closure_at + detail::arena_round_up(operations.size);
        if (last_ == nullptr || sizeof last_->bytes - last_->end < size) [[unlikely]]
            add_chunk();
        return append(operations, closure_at, operations.size, site, from_outside);
    }
    CallbackRecord& append(const Operations& operations, std::size_t closure_at, std::size_t closure_size,
                           SiteId site, bool from_outside) noexcept {
        const std::size_t size = closure_at + detail::arena_round_up(closure_size);
        void* const place = last_->bytes + last_->end;
        last_->end += static_cast<std::uint32_t>(size);
        pushed_.store(end_id() + 1, std::memory_order_relaxed);
        return *::new (place) CallbackRecord(&operations, site, static_cast<std::uint16_t>(size),
                                             static_cast<std::uint8_t>(closure_at), from_outside);
    }

    static CallbackRecord* at(Chunk* chunk, std::uint32_t offset) noexcept {
        return std::launder(reinterpret_cast<CallbackRecord*>(chunk->bytes + offset));
    }
    static void destroy(CallbackRecord& record) noexcept {
        if (record.operations_->destroy != nullptr) record.operations_->destroy(record.closure());
        if (record.detailed()) record.details().~Details();
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
