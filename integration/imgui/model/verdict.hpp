// SPDX-License-Identifier: MIT
/// Verdict: one sentence on how the loop is doing: the worst that is known.
#pragma once

#include "view.hpp"

#include <ioloop/inspect/lint.hpp>
#include <ioloop/inspect/text.hpp>

#include <cstdint>

namespace ioloop::imgui {

class Verdict {
public:
    Verdict(Duration budget, Duration slow_call) : budget_(budget), slow_call_(slow_call) {}

    /// Once a frame, after the view. A frozen view keeps its verdict.
    void update(const View& view);
    /// Forgets what was; what comes is judged anew.
    void clear(const View& view);

    Severity severity() const { return severity_; }
    const Text& sentence() const { return sentence_; }

private:
    void study_calls(const View& view);
    void judge(const View& view);
    void say(Severity severity, const Text& sentence);

    Duration budget_;
    Duration slow_call_;
    std::uint64_t studied_ = 0; ///< of the recorder's calls
    CallRecord slowest_;        ///< of late
    CallRecord thrown_;         ///< the last one that threw
    std::uint64_t slow_calls_ = 0;
    std::uint64_t errors_before_ = 0; ///< those that clear() has forgiven
    std::uint64_t dead_before_ = 0;
    Severity severity_ = Severity::ok;
    Text sentence_;
};

} // namespace ioloop::imgui
