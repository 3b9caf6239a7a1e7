// SPDX-License-Identifier: MIT
#include "verdict.hpp"

#include <algorithm>
#include <cstdint>

namespace ioloop::imgui {

Verdict judge(const Moment& moment) {
    const auto is_news = [](const Finding& finding) { return finding.active && !finding.muted; };
    if (moment.closed) return {Severity::note, "closed: nothing can run any more"};
    const auto worst = std::find_if(moment.findings.begin(), moment.findings.end(), is_news);
    if (worst != moment.findings.end()) return {worst->severity, worst->sentence, &*worst};
    if (moment.snapshot.paused) {
        return {Severity::note, "paused: nothing runs, and the loop's time stands still"};
    }
    if (moment.snapshot.suspended) {
        return {Severity::note, "suspended: no timeout comes due until resume()"};
    }
    if (!moment.observing) {
        return {Severity::note, "no history: another observer looks at this loop already"};
    }
    const auto muted = std::count_if(moment.findings.begin(), moment.findings.end(),
                                     [](const Finding& finding) { return finding.active && finding.muted; });
    if (muted == 0) return {Severity::ok, "ok: nothing slow, nothing thrown"};
    Text text("ok, but for what is muted: ");
    return {Severity::ok,
            text.add(static_cast<std::uint64_t>(muted)).add(muted == 1 ? " finding" : " findings")};
}

} // namespace ioloop::imgui
