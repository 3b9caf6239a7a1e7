// SPDX-License-Identifier: MIT
/// Verdict: one sentence on how the loop is doing: the worst that is known.
#pragma once

#include <ioloop/inspect/lint.hpp>
#include <ioloop/inspect/moment.hpp>
#include <ioloop/inspect/text.hpp>

namespace ioloop::imgui {

struct Verdict {
    Severity severity = Severity::ok;
    Text sentence;
    /// What the sentence is about, or null. Lifetime: until the moment is refreshed.
    const Finding* finding = nullptr;
};

Verdict judge(const Moment& moment);

} // namespace ioloop::imgui
