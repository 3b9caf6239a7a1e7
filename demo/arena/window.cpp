// SPDX-License-Identifier: MIT
#include "window.hpp"

#include <cmath>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

#include <SDL.h>
#include <SDL_opengl.h>
#include <imgui.h>
#if __has_include(<backends/imgui_impl_sdl2.h>)
#include <backends/imgui_impl_sdl2.h>
#else
#include <backends/imgui_impl_sdl.h> // as it is called before Dear ImGui 1.89.3
#endif
#include <backends/imgui_impl_opengl3.h>

namespace arena {
namespace {

[[noreturn]] void fail(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + SDL_GetError());
}

/// The four functions of OpenGL that are called here; asked for, so that nothing links with it.
struct Gl {
    template <class F> static F load(const char* name) {
        void* function = SDL_GL_GetProcAddress(name);
        if (function == nullptr) fail(name);
        return reinterpret_cast<F>(function);
    }
    decltype(&::glViewport) viewport = load<decltype(&::glViewport)>("glViewport");
    decltype(&::glClearColor) clear_color = load<decltype(&::glClearColor)>("glClearColor");
    decltype(&::glClear) clear = load<decltype(&::glClear)>("glClear");
    decltype(&::glReadPixels) read_pixels = load<decltype(&::glReadPixels)>("glReadPixels");
    decltype(&::glPixelStorei) pixel_store = load<decltype(&::glPixelStorei)>("glPixelStorei");
};

/// SDL, with a window that OpenGL draws into. Undone in the opposite order, also half-way.
class Surface {
public:
    Surface(const char* title, int width, int height) {
        if (SDL_Init(SDL_INIT_VIDEO | SDL_INIT_EVENTS) != 0) {
            const std::string why = std::string("SDL: ") + SDL_GetError();
            SDL_Quit();
            throw std::runtime_error(why);
        }
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_PROFILE_MASK, SDL_GL_CONTEXT_PROFILE_CORE);
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_MAJOR_VERSION, 3);
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_MINOR_VERSION, 2);
        SDL_GL_SetAttribute(SDL_GL_CONTEXT_FLAGS, SDL_GL_CONTEXT_FORWARD_COMPATIBLE_FLAG);
        SDL_GL_SetAttribute(SDL_GL_DOUBLEBUFFER, 1);
        constexpr int place = SDL_WINDOWPOS_CENTERED;
        window_ =
            SDL_CreateWindow(title, place, place, width, height, SDL_WINDOW_OPENGL | SDL_WINDOW_RESIZABLE);
        if (window_ != nullptr) context_ = SDL_GL_CreateContext(window_);
        if (context_ == nullptr) {
            const std::string why = std::string("OpenGL: ") + SDL_GetError();
            undo();
            throw std::runtime_error(why);
        }
        // The frame's time is kept by the loop, which serves the network meanwhile. Waiting for the screen
        // serves nobody.
        SDL_GL_SetSwapInterval(0);
    }
    Surface(const Surface&) = delete;
    Surface& operator=(const Surface&) = delete;
    ~Surface() { undo(); }

    SDL_Window* window() const noexcept { return window_; }
    SDL_GLContext context() const noexcept { return context_; }

private:
    void undo() noexcept {
        if (context_ != nullptr) SDL_GL_DeleteContext(std::exchange(context_, nullptr));
        if (window_ != nullptr) SDL_DestroyWindow(std::exchange(window_, nullptr));
        SDL_Quit();
    }

    SDL_Window* window_ = nullptr;
    SDL_GLContext context_ = nullptr;
};

/// Of the environment; empty if it is not set.
std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

/// Empty where a window can be expected to open.
std::string no_display() {
#if defined(__unix__) && !defined(__APPLE__) && !defined(__ANDROID__)
    if (variable("SDL_VIDEODRIVER").empty() && variable("DISPLAY").empty() &&
        variable("WAYLAND_DISPLAY").empty()) {
        return "neither DISPLAY nor WAYLAND_DISPLAY is set";
    }
#endif
    return {};
}

/// Why SDL, left to itself, has come to draw offscreen: it was told to, or nothing else has worked.
std::string why_chosen() {
    if (!variable("SDL_VIDEODRIVER").empty()) return "SDL_VIDEODRIVER says so";
    std::string displays = variable("DISPLAY");
    const std::string wayland = variable("WAYLAND_DISPLAY");
    if (!displays.empty() && !wayland.empty()) displays += " or ";
    displays += wayland;
    return displays.empty() ? "SDL has found none" : "cannot open display " + displays;
}

} // namespace

class Window::Impl {
public:
    Impl(const char* title, int width, int height) {
        SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1"); // the loop hears of them
        SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
        SDL_SetMainReady();
        why_offscreen_ = no_display();
        if (why_offscreen_.empty()) {
            try {
                surface_.emplace(title, width, height);
            } catch (const std::runtime_error& error) {
                why_offscreen_ = error.what();
            }
        }
        if (!surface_) {
            SDL_setenv("SDL_VIDEODRIVER", "offscreen", 1);
            surface_.emplace(title, width, height);
        }
        const char* driver = SDL_GetCurrentVideoDriver();
        if (why_offscreen_.empty() && driver != nullptr && std::string(driver) == "offscreen") {
            why_offscreen_ = why_chosen();
        }

        gl_.emplace();
        ImGui::CreateContext();
        ImGui::GetIO().IniFilename = nullptr; // leaves no file behind
        ImGui_ImplSDL2_InitForOpenGL(surface_->window(), surface_->context());
        ImGui_ImplOpenGL3_Init("#version 150");
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        ImGui_ImplOpenGL3_Shutdown();
        ImGui_ImplSDL2_Shutdown();
        ImGui::DestroyContext();
    }

    void render() {
        const auto [width, height] = drawable();
        ImGui::Render();
        gl_->viewport(0, 0, width, height);
        gl_->clear_color(0.02F, 0.03F, 0.07F, 1);
        gl_->clear(GL_COLOR_BUFFER_BIT);
        ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
    }

    Image capture() const {
        Image image;
        std::tie(image.width, image.height) = drawable();
        const std::size_t row = static_cast<std::size_t>(image.width) * 3;
        const auto height = static_cast<std::size_t>(image.height);
        std::vector<std::uint8_t> upside_down(row * height);
        gl_->pixel_store(GL_PACK_ALIGNMENT, 1);
        gl_->read_pixels(0, 0, image.width, image.height, GL_RGB, GL_UNSIGNED_BYTE, upside_down.data());
        image.rgb.reserve(upside_down.size());
        for (std::size_t y = height; y-- > 0;) {
            const auto begin = upside_down.begin() + static_cast<std::ptrdiff_t>(y * row);
            image.rgb.insert(image.rgb.end(), begin, begin + static_cast<std::ptrdiff_t>(row));
        }
        return image;
    }

    std::pair<int, int> drawable() const {
        int width = 0;
        int height = 0;
        SDL_GL_GetDrawableSize(surface_->window(), &width, &height);
        return {width, height};
    }

    std::string why_offscreen_;
    std::optional<Surface> surface_;
    std::optional<Gl> gl_;
};

Window::Window(const char* title, int width, int height)
    : impl_(std::make_unique<Impl>(title, width, height)) {}
Window::~Window() = default;

bool Window::offscreen() const noexcept { return !impl_->why_offscreen_.empty(); }
const std::string& Window::why_offscreen() const noexcept { return impl_->why_offscreen_; }

void Window::set_scale(float scale) {
    ImFontAtlas& fonts = *ImGui::GetIO().Fonts;
    fonts.Clear();
    ImFontConfig font;
    font.SizePixels = std::floor(13 * scale);
    font.OversampleH = 1;
    font.PixelSnapH = true;
    fonts.AddFontDefault(&font);
    ImGui_ImplOpenGL3_DestroyFontsTexture();
    ImGui_ImplOpenGL3_CreateFontsTexture();
}

std::pair<int, int> Window::size() const {
    int width = 0;
    int height = 0;
    SDL_GetWindowSize(impl_->surface_->window(), &width, &height);
    return {width, height};
}

void Window::handle(const SDL_Event& event) { ImGui_ImplSDL2_ProcessEvent(&event); }

void Window::begin_frame() {
    ImGui_ImplOpenGL3_NewFrame();
    ImGui_ImplSDL2_NewFrame();
    ImGui::NewFrame();
}

void Window::render() { impl_->render(); }
Image Window::capture() const { return impl_->capture(); }
void Window::present() { SDL_GL_SwapWindow(impl_->surface_->window()); }

} // namespace arena
