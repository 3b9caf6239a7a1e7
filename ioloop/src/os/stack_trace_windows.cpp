// SPDX-License-Identifier: MIT
/// Not on Windows: walking the stack of another thread means to suspend it, which may be while it holds the lock of
/// the loader that the walk needs. The watchdog names the call without it.
#include "stack_trace.hpp"

namespace ioloop {

ThreadStack::ThreadStack() : target_(nullptr) {}
ThreadStack::~ThreadStack() = default;
void ThreadStack::attach() noexcept { attached_ = target_ != nullptr; }
void ThreadStack::detach() noexcept { attached_ = false; }
std::vector<const void*> ThreadStack::capture() const { return {}; }
bool ThreadStack::forked() const noexcept { return false; } // nothing forks

std::vector<std::string> symbolise(std::span<const void* const>) { return {}; }

SignalsBlocked::SignalsBlocked() noexcept : before_{} {} // there are none that hit a thread
SignalsBlocked::~SignalsBlocked() = default;

} // namespace ioloop
