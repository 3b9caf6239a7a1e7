// SPDX-License-Identifier: MIT
// A user's program with a window, and the inspector in it. Ends well if the inspector can be seen: in what OpenGL has drawn.
#include <ioloop/imgui.hpp>
#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <vector>

#include <SDL.h>
#include <SDL_opengl.h>
#include <backends/imgui_impl_opengl2.h>
#include <backends/imgui_impl_sdl.h>
#include <imgui.h>

using namespace std::chrono_literals;

static constexpr int width = 800;
static constexpr int height = 600;

/// An empty window has one colour; the inspector is letters, lines and tables in many, over most of it.
static bool is_seen() {
    std::vector<std::uint32_t> pixels(std::size_t{width} * height);
    glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, pixels.data());
    const std::uint32_t background = pixels.front(); // the corner that the inspector leaves free
    std::map<std::uint32_t, std::size_t> colors;
    for (const std::uint32_t pixel : pixels) {
        ++colors[pixel];
    }
    const std::size_t drawn = pixels.size() - colors[background];
    std::printf("%zu of %zu pixels drawn, in %zu colours\n", drawn, pixels.size(), colors.size());
    return drawn > pixels.size() / 2 && drawn < pixels.size() && colors.size() > 20;
}

static bool show(SDL_Window* window) {
    ioloop::IOLoop loop;
    ioloop::sdl2::Host host(loop);
    ioloop::imgui::Inspector inspector(loop);
    int ticks = 0;
    ioloop::PeriodicCallback tick(
        loop, 5ms, [&] { ++ticks; }, "tick");
    tick.start();

    bool seen = false;
    ioloop::FramePacer pacer;
    for (int frame = 0; frame < 20; ++frame) {
        pacer.begin_frame();
        SDL_Event event;
        while (SDL_PollEvent(&event)) {
            ImGui_ImplSDL2_ProcessEvent(&event);
        }
        ImGui_ImplOpenGL2_NewFrame();
        ImGui_ImplSDL2_NewFrame();
        ImGui::NewFrame();
        ImGui::SetNextWindowPos({20, 20});
        ImGui::SetNextWindowSize({width - 40, height - 40});
        inspector.show_window();
        ImGui::Render();
        glViewport(0, 0, width, height);
        glClearColor(0.2F, 0.4F, 0.6F, 1);
        glClear(GL_COLOR_BUFFER_BIT);
        ImGui_ImplOpenGL2_RenderDrawData(ImGui::GetDrawData());
        if (frame == 19) seen = is_seen(); // before the swap: afterwards it is anybody's
        SDL_GL_SwapWindow(window);
        host.pump_until(pacer);
    }
    if (ticks == 0) std::puts("the loop did not run");
    return seen && ticks > 0;
}

int main(int, char**) {
    if (SDL_Init(SDL_INIT_VIDEO) != 0) {
        std::printf("SDL: %s\n", SDL_GetError());
        return 2;
    }
    SDL_Window* window = SDL_CreateWindow("window", 0, 0, width, height, SDL_WINDOW_OPENGL);
    SDL_GLContext context = window != nullptr ? SDL_GL_CreateContext(window) : nullptr;
    if (context == nullptr) {
        std::printf("SDL: %s\n", SDL_GetError());
        return 2;
    }
    ImGui::CreateContext();
    ImGui::GetIO().IniFilename = nullptr;
    ImGui_ImplSDL2_InitForOpenGL(window, context);
    ImGui_ImplOpenGL2_Init();
    const bool seen = show(window);
    ImGui_ImplOpenGL2_Shutdown();
    ImGui_ImplSDL2_Shutdown();
    ImGui::DestroyContext();
    SDL_GL_DeleteContext(context);
    SDL_DestroyWindow(window);
    SDL_Quit();
    return seen ? 0 : 1;
}
