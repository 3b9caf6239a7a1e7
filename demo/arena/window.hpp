// SPDX-License-Identifier: MIT
/// Window: SDL's window with OpenGL 3 and Dear ImGui in it; or, where there is no display, a picture in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

union SDL_Event;

namespace arena {

struct Image {
    int width = 0;
    int height = 0;
    std::vector<std::uint8_t> rgb; ///< the top row first
};

class Window {
public:
    /// Errors: std::runtime_error in SDL's words, if there is neither a display nor a way to draw without.
    Window(const char* title, int width, int height);
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    ~Window(); ///< SDL_Quit() is in here

    bool offscreen() const noexcept; ///< nobody sees it
    const std::string& why_offscreen() const noexcept;

    /// Of what Dear ImGui writes, and of all that is measured by it; 1: letters of 13 pixels. Between two frames.
    void set_scale(float scale);
    std::pair<int, int> size() const; ///< width and height, as Dear ImGui has them
    void handle(const SDL_Event& event);
    void begin_frame();
    /// Draws what Dear ImGui has collected. The frame is not visible yet.
    void render();
    Image capture() const; ///< after render()
    void present();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Errors: std::runtime_error if the file cannot be written.
void save_png(const Image& image, const std::string& path);

} // namespace arena
