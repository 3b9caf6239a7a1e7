// SPDX-License-Identifier: MIT
/// Report: what a run was like, in numbers; as JSON.
#pragma once

#include "session.hpp"
#include "swarm.hpp"

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/ioloop.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace arena {

inline constexpr ioloop::Duration frame_length = std::chrono::nanoseconds(16'666'667);

/// Frames, and what the loop took of them.
class FrameLog {
public:
    void add(const ioloop::Turn& pump) noexcept;
    /// `late`: how long after its time the next frame begins.
    void end_frame(ioloop::Duration late) noexcept;

    std::uint64_t frames = 0;
    std::uint64_t late_frames = 0;   ///< began more than a quarter of a frame late
    ioloop::Duration longest_pump{}; ///< in calls; not asleep
    ioloop::Duration busy{};
};

/// Remembers the longest call, and whose it was.
class LongestCall {
public:
    /// Looks at the calls that were recorded since it last did. What is not recorded, because the player
    /// has switched it off, is not seen.
    void look_at(const ioloop::Recorder& recorder);

    ioloop::Duration took{};
    std::string name;

private:
    void look_at(const ioloop::CallRecord& record);

    std::uint64_t seen_ = 0; ///< of the recorder's calls
};

/// Pretty, and ends with a newline.
std::string report(Session& session, const FrameLog& frames, ioloop::Duration played,
                   const LongestCall& longest);

std::string serving_line(const Server& server); ///< one line: where
std::string served_line(const Server& server);  ///< one line: what came of it
/// One line: how it is. Ticks' lateness is that since the last time.
std::string metrics_line(Server& server);
/// Pretty, and ends with a newline. `playing`: how many were in play at the end.
std::string swarm_report(const Swarm& swarm, std::size_t playing, ioloop::Duration played);

} // namespace arena
