// SPDX-License-Identifier: MIT
/// Tripwire: asks the kernel to leave word in shared memory, once, when a descriptor becomes readable. Floor 1.
///
/// Whether it has done so is then seen by looking at that memory: a nanosecond, and no system call. What the word
/// means is for the descriptor itself to say: who sees a tripped wire looks there, and may find nothing.
///
/// Two carriers can do that, each in a .cpp of its own with its own facts: linux-aio and io_uring. There is never more
/// than one request under way that counts, so nothing can overflow.
///
/// Thread: one at a time, but any; disarm() and the destructor too.
#pragma once

#include "../here.hpp"

#include <ioloop/fd.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <system_error>

namespace ioloop {

class Tripwire {
public:
    Tripwire() = default;
    Tripwire(const Tripwire&) = delete;
    Tripwire& operator=(const Tripwire&) = delete;
    virtual ~Tripwire() = default; ///< also disarms

    /// From here on, or from before: tripped() once `fd` is readable, soon if it is. One that is armed stays armed,
    /// also if it has tripped unnoticed and the descriptor is not readable any more.
    /// What became readable *while* this ran may be seen somewhat later (see aio_tripwire.cpp): look after arming, too.
    /// False if the kernel refuses. Whether that is worth another try is known here: it costs next to nothing then.
    virtual bool arm(Fd fd) noexcept = 0;

    /// Lets go of the descriptor and its file.
    virtual void disarm() noexcept = 0;

    /// Since it was armed; before that it means nothing.
    bool tripped() const noexcept {
        return std::atomic_ref(*position_).load(std::memory_order_acquire) != seen_ ||
               (std::atomic_ref(*flags_).load(std::memory_order_relaxed) & flag_) != 0 ||
               (owner_ != 0 && owner_ != this_thread());
    }

protected:
    std::uint32_t* position_ = nullptr; ///< the kernel moves it by one for each word that it leaves
    std::uint32_t seen_ = 0;            ///< what it was when we looked last
    std::uint32_t* flags_ = nullptr;    ///< the kernel may set `flag_` in it: there is a word to fetch
    std::uint32_t flag_ = 0;
    std::uint64_t owner_ = 0; ///< the only thread for which it is armed, by its this_thread(); 0: for all
};

/// Null where the system has no linux-aio. Nothing is asked of the kernel before it is armed.
std::unique_ptr<Tripwire> make_aio_tripwire();

/// Errors: std::system_error with what io_uring_setup says.
std::unique_ptr<Tripwire> make_io_uring_tripwire();

} // namespace ioloop
