// SPDX-License-Identifier: MIT
/// The stack of another thread, taken while that runs. Floor 1.
///
/// On Linux with glibc the other thread is sent a real-time signal, whose handler walks the stack that it finds
/// itself on. Elsewhere there is none to be had, and it is empty.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ioloop {

/// Where a thread can be asked for its stack.
/// Thread: not synchronised; attach(), detach() and capture() under one lock.
class ThreadStack {
public:
    /// Loads what a capture needs, which allocates, and so is not for a handler of signals.
    ThreadStack();
    ThreadStack(const ThreadStack&) = delete;
    ThreadStack& operator=(const ThreadStack&) = delete;
    ~ThreadStack();

    /// From now on it is the calling thread's, which does not end before detach().
    void attach() noexcept;
    void detach() noexcept;
    bool attached() const noexcept { return attached_; }

    /// The calls on that thread's stack, innermost first. Empty if it is not attached or does not answer within
    /// a tenth of a second: it blocks all signals, say. A system call that it is in may fail with EINTR.
    /// Thread: any but that one.
    std::vector<const void*> capture() const;

    /// True in a child process of the one in which this was made: of its threads, only the forking one is here.
    bool forked() const noexcept;

private:
    struct Target;
    Target* target_;
    bool attached_ = false;
};

/// Each as "function+0x1c (program)" or "program+0x12345".
std::vector<std::string> symbolise(std::span<const void* const> frames);

/// For as long as it lives the calling thread, and every thread that it makes, is hit by no signal (but those
/// that it causes itself, by an illegal access). For threads of which the program knows nothing.
class SignalsBlocked {
public:
    SignalsBlocked() noexcept;
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked();

private:
    alignas(std::uint64_t) unsigned char before_[128]; ///< a sigset_t
};

} // namespace ioloop
