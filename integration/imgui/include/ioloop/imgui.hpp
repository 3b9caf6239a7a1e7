// SPDX-License-Identifier: MIT
/// imgui::Inspector: what a loop does, live, in a Dear ImGui window. Floor 4.
///
///     ioloop::IOLoop loop;
///     ioloop::imgui::Inspector inspector(loop);
///     while (playing) {
///         loop.run_once();
///         ImGui::NewFrame();
///         inspector.show_window("IOLoop", &open);
///         ...
///     }
///
/// It remembers what ran from the moment it is made, shown or not, so that a window opened after the fact
/// has the fact in it. Shown, it costs a copy of what the loop holds; closed or collapsed, nothing.
///
/// It draws, and that is all: no context, fonts, style, io or windows but the one you ask for; nothing is
/// global. Two loops have two inspectors.
///
/// Thread: the loop's and Dear ImGui's, which are the same one here; for every member.
#pragma once

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/inspect/source.hpp>
#include <ioloop/io_loop.hpp>

#include <chrono>
#include <memory>

namespace ioloop::imgui {

class Inspector {
public:
    struct Options {
        /// Where calls and turns are remembered. Null: in a recorder of the inspector's own.
        /// Lifetime: longer than the inspector.
        Recorder* recorder = nullptr;
        /// What the loop may take of a frame: the line in the timeline.
        Duration budget = std::chrono::milliseconds(4);
        /// A call that takes longer is called slow.
        Duration slow_call = std::chrono::milliseconds(4);
    };

    /// Becomes the loop's observer, unless there is one: that one stays, and the inspector says that it
    /// has no history.
    /// Lifetime: `loop` outlives the inspector.
    explicit Inspector(IOLoop& loop);
    Inspector(IOLoop& loop, Options options);
    /// Of a loop that is somewhere else; `options.recorder` is of no meaning then.
    /// Lifetime: `source` outlives the inspector.
    explicit Inspector(Source& source);
    Inspector(Source& source, Options options);
    Inspector(const Inspector&) = delete;
    Inspector& operator=(const Inspector&) = delete;
    /// Leaves the loop without an observer again. A loop that was paused stays paused.
    ~Inspector();

    /// The inspector in a window of its own, between NewFrame() and Render(). `open`, if given, makes a
    /// close button; while it is false nothing is done.
    void show_window(const char* title = "IOLoop", bool* open = nullptr);

    /// The inspector in the window, child or tab that you have begun.
    ///
    /// Buttons act when the drawing is done. One of them, «Step», calls callables of the loop; they may
    /// destroy the inspector.
    void show_contents();

private:
    friend struct InspectorProbe; ///< the tests: finds the buttons that they click
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace ioloop::imgui
