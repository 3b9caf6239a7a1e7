// SPDX-License-Identifier: MIT
/// The tripwire over io_uring(7): a one-shot poll, whose completion appears in a queue that is mapped into this process.
///
/// Requests are the submitting thread's. When that thread ends, the kernel cancels them; but a loop may be made
/// by one thread and run by another. So a wire that changed hands counts as tripped, and is armed by a new ring. A child
/// of fork() shares the memory of the parent's ring. So the positions in its queues are kept
/// here and only ever written there: whatever the child does, the parent sees its completion.
///
/// The flags: IORING_SETUP_DEFER_TASKRUN (Linux 6.1) leaves the host alone, as nothing interrupts its system calls or
/// wakes it for a completion; the kernel says by IORING_SQ_TASKRUN that there is one. Before that, COOP_TASKRUN
/// (5.19) does the same less thoroughly; and before that, completions just arrive.
///
/// Closing a ring has an echo: a moment later the kernel runs a clean-up in the thread that made it, and that ends a
/// system call which the thread sleeps in with EINTR, as if there had been a signal. A loop starts its turn
/// again, and so should everybody; but rings are made and closed sparingly here.
///
/// Nothing can overflow: there is never more than one request, and the queues have room for several.
#include "../raise.hpp"
#include "last_error.hpp"
#include "tripwire.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ioloop {
namespace {

// Part of the kernel's interface, but younger than the headers of some systems.
constexpr std::uint32_t setup_coop_taskrun = 1U << 8U;
constexpr std::uint32_t setup_taskrun_flag = 1U << 9U;
constexpr std::uint32_t setup_single_issuer = 1U << 12U;
constexpr std::uint32_t setup_defer_taskrun = 1U << 13U;
constexpr std::uint32_t sq_taskrun = 1U << 2U;

/// What the ring shares with the kernel, mapped.
class Mapping {
public:
    Mapping() = default;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { unmap(); }

    bool map(Fd ring, std::uint64_t offset, std::size_t size) {
        void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
                                static_cast<off_t>(offset));
        if (at == MAP_FAILED) return false;
        at_ = static_cast<std::byte*>(at);
        size_ = size;
        return true;
    }
    void unmap() {
        if (at_ != nullptr) ::munmap(std::exchange(at_, nullptr), size_);
    }
    template <class T> T* at(std::uint32_t offset) const {
        return static_cast<T*>(static_cast<void*>(at_ + offset)); // the kernel aligns them
    }

private:
    std::byte* at_ = nullptr;
    std::size_t size_ = 0;
};

/// A ring that holds at most one request: a one-shot poll.
class Ring {
public:
    Ring() = default;
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() { close(); }

    std::error_code open() {
        close();
        for (const std::uint32_t flags : {setup_single_issuer | setup_defer_taskrun | setup_taskrun_flag,
                                          setup_coop_taskrun | setup_taskrun_flag, 0U}) {
            io_uring_params params{};
            params.flags = flags;
            constexpr unsigned entries = 4;
            ring_ = static_cast<Fd>(::syscall(__NR_io_uring_setup, entries, &params)); // is close-on-exec
            if (ring_ >= 0) return map(params);
            if (errno != EINVAL) break; // EINVAL: this kernel does not know the flags
        }
        return last_error();
    }

    void close() {
        submissions_.unmap();
        completions_.unmap();
        requests_.unmap();
        if (ring_ >= 0) ::close(std::exchange(ring_, invalid_fd));
    }

    bool is_open() const { return ring_ >= 0; }

    /// Nothing if one is under way.
    /// Errors: bad_file_descriptor or file_exists if the ring is another thread's; out of memory.
    std::error_code poll_once(Fd fd) {
        if (pending_) {
            // It had work to do, but whether that ended it, the kernel decides as it does it: whoever is woken
            // for what somebody else took goes on waiting.
            if (const auto error = enter(0)) return error;
            collect();
            if (pending_) return {};
        }
        const std::uint32_t index = submitted_ & sq_mask_;
        io_uring_sqe& sqe = requests_.at<io_uring_sqe>(0)[index];
        std::memset(&sqe, 0, sizeof sqe);
        sqe.opcode = IORING_OP_POLL_ADD;
        sqe.fd = fd;
        sqe.poll_events = POLLIN;
        sqe.user_data = ++request_;
        sq_array_[index] = index;
        std::atomic_ref(*sq_tail_).store(++submitted_, std::memory_order_release);
        if (const auto error = enter(1)) return error;
        pending_ = true;
        return {};
    }

    std::uint32_t* tail() const { return cq_tail_; }
    std::uint32_t position() const { return completed_; }
    std::uint32_t* flags() const { return sq_flags_; }

private:
    /// Submits so many, and runs what was deferred. Waits for nothing.
    std::error_code enter(unsigned submit) const {
        const long accepted =
            ::syscall(__NR_io_uring_enter, ring_, submit, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
        if (accepted == static_cast<long>(submit)) return {};
        return {accepted < 0 ? errno : EAGAIN, std::system_category()};
    }

    void collect() {
        const std::uint32_t tail = std::atomic_ref(*cq_tail_).load(std::memory_order_acquire);
        if (completed_ == tail) return;
        for (; completed_ != tail; ++completed_) {
            if (cqes_[completed_ & cq_mask_].user_data == request_) pending_ = false;
        }
        std::atomic_ref(*cq_head_).store(completed_, std::memory_order_release);
    }

    std::error_code map(const io_uring_params& params) {
        const auto& sq = params.sq_off;
        const auto& cq = params.cq_off;
        // Two mappings where one would do since 5.4 (IORING_FEAT_SINGLE_MMAP): the older way works with all.
        if (!submissions_.map(ring_, IORING_OFF_SQ_RING,
                              sq.array + params.sq_entries * sizeof(std::uint32_t)) ||
            !completions_.map(ring_, IORING_OFF_CQ_RING,
                              cq.cqes + params.cq_entries * sizeof(io_uring_cqe)) ||
            !requests_.map(ring_, IORING_OFF_SQES, params.sq_entries * sizeof(io_uring_sqe))) {
            const std::error_code error = last_error();
            close();
            return error;
        }
        sq_tail_ = submissions_.at<std::uint32_t>(sq.tail);
        sq_flags_ = submissions_.at<std::uint32_t>(sq.flags);
        sq_array_ = submissions_.at<std::uint32_t>(sq.array);
        sq_mask_ = *submissions_.at<std::uint32_t>(sq.ring_mask);
        cq_head_ = completions_.at<std::uint32_t>(cq.head);
        cq_tail_ = completions_.at<std::uint32_t>(cq.tail);
        cqes_ = completions_.at<io_uring_cqe>(cq.cqes);
        cq_mask_ = *completions_.at<std::uint32_t>(cq.ring_mask);
        submitted_ = completed_ = 0;
        pending_ = false;
        return {};
    }

    Fd ring_ = invalid_fd;
    Mapping submissions_;
    Mapping completions_;
    Mapping requests_;
    std::uint32_t* sq_tail_ = nullptr;
    std::uint32_t* sq_flags_ = nullptr;
    std::uint32_t* sq_array_ = nullptr;
    std::uint32_t* cq_head_ = nullptr;
    std::uint32_t* cq_tail_ = nullptr;
    io_uring_cqe* cqes_ = nullptr;
    std::uint32_t sq_mask_ = 0;
    std::uint32_t cq_mask_ = 0;
    std::uint32_t submitted_ = 0; ///< our position in the submission queue
    std::uint32_t completed_ = 0; ///< our position in the completion queue
    std::uint64_t request_ = 0;   ///< the latest; a completion of an earlier one is no news
    bool pending_ = false;        ///< request_ is with the kernel, as far as we have looked
};

class IoUringTripwire final : public Tripwire {
public:
    IoUringTripwire() {
        if (const auto error = ring_.open()) raise(std::system_error(error, "io_uring_setup"));
        owner_ = this_thread();
    }

    /// If it fails (no memory, no descriptor), the next time begins with a new ring.
    bool arm(Fd fd) noexcept override {
        if (owner_ != this_thread()) ring_.close();
        if (!ring_.is_open() && ring_.open()) return false;
        owner_ = this_thread();
        if (ring_.poll_once(fd)) {
            ring_.close();
            return false;
        }
        position_ = ring_.tail();
        seen_ = ring_.position();
        flags_ = ring_.flags();
        flag_ = sq_taskrun;
        return true;
    }

    void disarm() noexcept override { ring_.close(); }

private:
    Ring ring_;
};

} // namespace

std::unique_ptr<Tripwire> make_io_uring_tripwire() { return std::make_unique<IoUringTripwire>(); }

} // namespace ioloop
