// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/run_sync.hpp>

namespace ioloop::detail {

void raise_timeout() { raise(TimeoutError("run_sync: the time is up")); }
void raise_stopped() { raise(StoppedError("run_sync: the loop was stopped before the result was there")); }

} // namespace ioloop::detail
