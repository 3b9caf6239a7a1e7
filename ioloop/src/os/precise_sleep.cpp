// SPDX-License-Identifier: MIT
#include "precise_sleep.hpp"

#if defined(__linux__)
#include <cerrno>

#include <sys/prctl.h>

namespace ioloop {
namespace {

constexpr Duration usual_slack = std::chrono::microseconds(50);
static_assert(PreciseSleep::long_sleep == 1000 * usual_slack);

bool set_slack(Duration slack) noexcept {
    return ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(slack.count()), 0UL, 0UL, 0UL) == 0;
}

} // namespace

PreciseSleep::PreciseSleep(Duration timeout) noexcept {
    if (timeout <= no_wait || timeout >= long_sleep) return;
    if (::prctl(PR_GET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL) != usual_slack.count()) return;
    changed_ = set_slack(Duration(1));
}

PreciseSleep::~PreciseSleep() {
    if (!changed_) return;
    const int saved = errno;
    set_slack(usual_slack);
    errno = saved;
}

} // namespace ioloop

#else

namespace ioloop {

PreciseSleep::PreciseSleep(Duration) noexcept { static_cast<void>(changed_); }
PreciseSleep::~PreciseSleep() = default;

} // namespace ioloop
#endif
