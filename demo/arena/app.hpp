// SPDX-License-Identifier: MIT
/// App: the game in a window. One thread: events, draw, present, and the rest of the frame belongs to the loop.
#pragma once

#include "hud.hpp"
#include "mode_panel.hpp"
#include "motd.hpp"
#include "options.hpp"
#include "report.hpp"
#include "scene.hpp"
#include "session.hpp"
#include "trouble.hpp"
#include "window.hpp"

#include <ioloop/imgui.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/sdl2.hpp>

#include <array>
#include <string>

namespace arena {

class App {
public:
    explicit App(const Options& options);

    /// Until the player quits, or the options say so. Returns the exit code.
    int run();

private:
    void handle_events();
    void handle(const SDL_Event& event);
    void on_key(int key);
    void post_steering();
    void post_statistics();
    void fit_scale();
    void draw(ioloop::TimePoint now);
    void pump();
    void note(const ioloop::Turn& pump);
    bool last_frame(ioloop::TimePoint now) const;

    Window window_;
    Options options_;
    Session session_;
    ioloop::sdl2::Host host_;
    ioloop::Recorder recorder_; ///< what the inspector shows; the loop's observer
    LongestCall longest_call_;  ///< by the recorder: a loop has one observer
    ioloop::imgui::Inspector inspector_;
    ModePanel modes_;
    Motd motd_;
    Scene scene_;
    Hud hud_;
    Trouble trouble_;
    Input input_;
    bool steering_posted_ = false;
    bool statistics_posted_ = false;
    FrameLog frames_;
    bool inspecting_;
    bool troubling_;
    bool networking_; ///< the panel with the sliders is open
    bool comparing_;  ///< modes
    ioloop::TimePoint begin_{};
    ioloop::TimePoint drawn_{}; ///< the last frame
    ioloop::sdl2::FramePacer pacer_;
    std::array<ioloop::Duration, 60> pumps_{}; ///< the longest of each of the last frames
    ioloop::Duration longest_pump_{};          ///< of them
    ioloop::Duration smooth_drawing_{};        ///< of a frame, and presenting it
    float scale_ = 0;                          ///< of what is written; 0: not set yet
    float smooth_frame_ = 1.0F / 60;
};

} // namespace arena
