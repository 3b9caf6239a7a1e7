// SPDX-License-Identifier: MIT
/// The tripwire over linux-aio: io_submit(2) of an IOCB_CMD_POLL (Linux 4.18), whose completion appears in a ring that
/// io_setup(2) maps into this process.
///
/// Whoever makes the descriptor ready writes the completion itself, in its own system call: no thread of ours is
/// interrupted, none is needed, and a loop may change hands. (From the kernel's fs/aio.c, aio_poll_wake(). Only if
/// it meets our io_submit() half-way does a kernel thread do it, a little later.)
///
/// The ring is meant to be read from here: its head is "written to by userland", as the kernel says of struct aio_ring
/// (fs/aio.c), and it reads it to see what is free again (user_refill_reqs_available()). Who finds another magic than
/// that has found another ring: it is left alone.
///
/// Facts:
/// - io_destroy(2) sleeps for a grace period of RCU: measured, 32 to 40 ms. So no context is destroyed, ever. It is
///   handed on to the next who wants one, late completions and all: they carry the number of their request.
///   (A process that has one takes those 36 ms longer to end, all of them together.)
/// - io_cancel(2) of a poll says EINPROGRESS, and the completion comes like any other (older kernels say other
///   things). Its answer means nothing here. It is asked so that the file is not held.
/// - A child of fork() has no contexts, but shares the memory of its parent's rings. It is refused (EINVAL) as it submits, and
///   makes its own. Our position in the ring is kept here and only ever written there: whatever the child
///   does, the parent sees its completion.
/// - The kernel may have no aio (ENOSYS: a configuration), have run out of it (EAGAIN: sysctl
///   fs.aio-max-nr), or be told to refuse it (EPERM: a filter); before 4.18 it knows no poll (EINVAL). Then
///   it is not asked again by this process.
///
/// Measured: io_setup() 20 to 30 us; a look 0.3 ns; arming, being tripped and collecting together 0.75 us.
#include "tripwire.hpp"

#if defined(__linux__) && !defined(__ANDROID__) && __has_include(<linux/aio_abi.h>)
#include <mutex>
#include <new>
#include <utility>

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ioloop {
namespace {

constexpr std::uint16_t command_poll = 5; // IOCB_CMD_POLL, younger than the headers of some systems

/// The beginning of what io_setup() maps. (struct aio_ring of fs/aio.c, which no header has.)
struct SharedRing {
    std::uint32_t id;
    std::uint32_t size;
    std::uint32_t head; ///< ours
    std::uint32_t tail; ///< the kernel's
    std::uint32_t magic;
    std::uint32_t compatible_features;
    std::uint32_t incompatible_features;
    std::uint32_t header_size;

    bool is_known() const {
        return magic == 0xa10a10a1 && incompatible_features == 0 && header_size == sizeof(SharedRing);
    }
    const io_event* events() const { // `size` of them
        return static_cast<const io_event*>(static_cast<const void*>(this + 1));
    }
};

/// A context of the kernel, with its ring. At most one of its requests counts: a one-shot poll.
class AioContext {
public:
    AioContext() = default;
    AioContext(const AioContext&) = delete;
    AioContext& operator=(const AioContext&) = delete;

    bool open() noexcept {
        // The kernel rounds up, to 8 for each CPU and a page at least: there is room for those that were cancelled.
        constexpr long requests = 1;
        if (::syscall(SYS_io_setup, requests, &context_) != 0) return false;
        // Its number is its address. NOLINTNEXTLINE(performance-no-int-to-ptr)
        ring_ = reinterpret_cast<SharedRing*>(context_);
        if (!ring_->is_known()) give_up();
        return is_open();
    }
    bool is_open() const noexcept { return ring_ != nullptr; }
    /// It is not destroyed: see above.
    void give_up() noexcept {
        ring_ = nullptr;
        context_ = 0;
    }

    bool poll_once(Fd fd) noexcept {
        collect();
        if (pending_) return true;
        request_ = {};
        request_.aio_data = ++number_;
        request_.aio_lio_opcode = command_poll;
        request_.aio_fildes = static_cast<std::uint32_t>(fd);
        request_.aio_buf = POLLIN;
        iocb* requests[] = {&request_};
        pending_ = ::syscall(SYS_io_submit, context_, 1L, requests) == 1;
        if (pending_) has_served_ = true;
        return pending_;
    }

    void cancel() noexcept {
        if (!is_open()) return;
        collect();
        if (!std::exchange(pending_, false)) return;
        io_event unused;
        ::syscall(SYS_io_cancel, context_, &request_, &unused);
    }

    bool has_served() const noexcept { return has_served_; }
    std::uint32_t& tail() noexcept { return ring_->tail; }
    std::uint32_t position() const noexcept { return position_; }

    AioContext* next_spare = nullptr;

private:
    void collect() noexcept {
        const std::uint32_t tail = std::atomic_ref(ring_->tail).load(std::memory_order_acquire);
        if (position_ == tail) return;
        while (position_ != tail) {
            if (ring_->events()[position_].data == number_) pending_ = false;
            position_ = position_ + 1 < ring_->size ? position_ + 1 : 0;
        }
        std::atomic_ref(ring_->head).store(position_, std::memory_order_release);
    }

    aio_context_t context_ = 0;
    SharedRing* ring_ = nullptr;
    iocb request_{};             ///< io_cancel() knows it by its address
    std::uint64_t number_ = 0;   ///< of the latest request; a completion of an earlier one is no news
    std::uint32_t position_ = 0; ///< in ring_: what comes before it has been seen
    bool pending_ = false;       ///< request_ is with the kernel, as far as we have looked
    bool has_served_ = false;
};

/// Those that nobody uses. Each stays for as long as the process lives: see above for what destroying one takes.
class SpareContexts {
public:
    AioContext* take() noexcept {
        const std::lock_guard lock(mutex_);
        AioContext* const taken = first_;
        if (taken != nullptr) first_ = std::exchange(taken->next_spare, nullptr);
        return taken;
    }
    void give(AioContext* context) noexcept {
        const std::lock_guard lock(mutex_);
        context->next_spare = std::exchange(first_, context);
    }

private:
    std::mutex mutex_;
    AioContext* first_ = nullptr;
};

constinit SpareContexts spares;
constinit std::atomic<bool> refused{false};

class AioTripwire final : public Tripwire {
public:
    AioTripwire() { replace_context(); } // and not later: no turn of a loop shall allocate
    ~AioTripwire() override {
        disarm();
        if (context_ != nullptr) spares.give(context_);
    }

    bool arm(Fd fd) noexcept override {
        for (; context_ != nullptr; replace_context()) {
            if (!context_->is_open() && (refused || !context_->open())) break;
            if (context_->poll_once(fd)) {
                position_ = flags_ = &context_->tail();
                seen_ = context_->position();
                return true;
            }
            if (!context_->has_served()) {
                context_->give_up();
                break;
            }
            // One that has served before, and does not any more, is our parent's: there is a next one.
        }
        if (context_ != nullptr && !context_->is_open()) refused = true;
        return false;
    }

    void disarm() noexcept override {
        if (context_ != nullptr) context_->cancel();
    }

private:
    void replace_context() noexcept {
        delete context_;
        context_ = spares.take();
        if (context_ == nullptr) context_ = new (std::nothrow) AioContext;
    }

    AioContext* context_ = nullptr; ///< open once it was armed; null: no memory
};

} // namespace

std::unique_ptr<Tripwire> make_aio_tripwire() { return std::make_unique<AioTripwire>(); }

} // namespace ioloop

#else

namespace ioloop {

/// Android filters what its programs ask for, and kills those that ask for more.
std::unique_ptr<Tripwire> make_aio_tripwire() { return nullptr; }

} // namespace ioloop
#endif
