// SPDX-License-Identifier: MIT
/// ModePanel: chooses how frames live with the loop, and shows how long messages wait in each way.
#pragma once

#include "latency_probe.hpp"
#include "pacing.hpp"

#include <ioloop/sdl2.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include <imgui.h>

namespace arena {

class ModePanel {
public:
    /// Lifetime: the host's is longer.
    ModePanel(ioloop::sdl2::Host& host, Pacing pacing) : host_(host), pacing_(pacing) {}

    /// For spend_rest().
    Pacing pacing() const noexcept { return pacing_; }

    /// The frame is drawn, and spend_rest() comes.
    void begin_rest() noexcept {
        if (probe_) probe_->begin_rest();
    }

    /// Between NewFrame() and Render(), in each frame; `at` is where its lower right corner begins. It measures while it is
    /// open. `drawing` is how long a frame is drawn, when nobody can serve a message.
    void show(bool* open, ImVec2 at, ioloop::Duration drawing);

private:
    struct Figures {
        std::uint64_t count = 0;
        ioloop::Duration half{}; ///< p50
        ioloop::Duration most{}; ///< p99
        ioloop::Duration longest{};
    };

    void measure();
    void choose(Pacing pacing);
    void show_combo();
    void show_picture() const;
    void show_table();

    ioloop::sdl2::Host& host_;
    Pacing pacing_;
    std::optional<LatencyProbe> probe_;               ///< while it is open
    std::string trouble_;                             ///< why there is none
    std::array<Figures, all_pacings.size()> figures_; ///< the last of each
};

} // namespace arena
