// SPDX-License-Identifier: MIT
/// inspect: the inspector of a program that has no window of its own, from outside.
///
///     export ARENA_INSPECT_TOKEN=$(openssl rand -hex 16)
///     arena --serve --inspect unix:/tmp/arena.sock &
///     inspect unix:/tmp/arena.sock
///
/// It draws what a RemoteSource knows; the connection lives on a loop that is pumped from SDL's.
#include "window.hpp"

#include <ioloop/imgui.hpp>
#include <ioloop/inspect/remote_source.hpp>
#include <ioloop/sdl2.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <SDL.h>
#include <imgui.h>

#if __has_include(<SDL_main.h>)
#include <SDL_main.h> // where the system wants another main() than this one
#endif

namespace {

using namespace std::chrono_literals;
using ioloop::RemoteSource;

struct Options {
    RemoteSource::Options source;
    std::string screenshot;    ///< of the last frame; empty: none
    std::uint64_t moments = 0; ///< end after so many; 0: no limit
    double seconds = 0;        ///< the same
};

class Viewer {
public:
    explicit Viewer(const Options& options)
        : options_(options),
          window_("Inspector", 1280, 720),
          host_(loop_),
          source_(loop_, options.source),
          inspector_(source_) {}

    /// Until the window is closed, or the options say so. 0 if the program was reached.
    int run() {
        const ioloop::TimePoint begin = ioloop::steady_clock().now();
        for (bool last = false; handle_events() && !last;) {
            const ioloop::TimePoint now = ioloop::steady_clock().now();
            last = (options_.moments > 0 && source_.moments() >= options_.moments) ||
                   (options_.seconds > 0 && now - begin >= std::chrono::duration<double>(options_.seconds));
            draw();
            if (last && !options_.screenshot.empty()) save_png(window_.capture(), options_.screenshot);
            window_.present();
            // What is shown changes ten times a second: between frames the loop sleeps.
            host_.pump_until(now + 33ms);
        }
        std::cout << source_.state_text().view() << '\n';
        return source_.moments() > 0 ? 0 : 1;
    }

private:
    bool handle_events() {
        SDL_Event event;
        while (SDL_PollEvent(&event) != 0) {
            window_.handle(event);
            if (event.type == SDL_QUIT) return false;
        }
        return true;
    }

    void draw() {
        window_.begin_frame();
        ImGui::SetNextWindowPos(ImVec2(0, 0));
        ImGui::SetNextWindowSize(ImGui::GetIO().DisplaySize);
        constexpr ImGuiWindowFlags whole = ImGuiWindowFlags_NoDecoration | ImGuiWindowFlags_NoMove |
                                           ImGuiWindowFlags_NoSavedSettings |
                                           ImGuiWindowFlags_NoBringToFrontOnFocus;
        if (ImGui::Begin("inspect", nullptr, whole)) {
            ImGui::TextUnformatted(source_.state_text().c_str());
            if (source_.state() != RemoteSource::State::connected) {
                ImGui::SameLine();
                if (ImGui::SmallButton("Try now")) source_.reconnect();
            } else if (source_.outcomes() > 0) {
                ImGui::SameLine(0, ImGui::GetFontSize());
                ImGui::TextDisabled("%s", source_.outcome().c_str());
            }
            ImGui::Separator();
            // Never connected, it could only say that nothing happens, which is not known.
            if (source_.state() == RemoteSource::State::connected || source_.moments() > 0) {
                inspector_.show_contents();
            }
        }
        ImGui::End();
        window_.render();
    }

    Options options_;
    ioloop::IOLoop loop_;
    arena::Window window_;
    ioloop::sdl2::Host host_;
    RemoteSource source_;
    ioloop::imgui::Inspector inspector_;
};

} // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app{"Looks into the event loop of another program of this machine.", "inspect"};
    app.add_option("address", options.source.address, "Where it lets viewers in: unix:PATH, 127.0.0.1:PORT")
        ->type_name("ADDRESS")
        ->required();
    app.add_option("--token", options.source.token,
                   "What it wants to hear; better in the environment, as others see the command line")
        ->type_name("TOKEN")
        ->envname("ARENA_INSPECT_TOKEN")
        ->required();
    app.add_option("--screenshot", options.screenshot, "Save the last frame")->type_name("FILE.png");
    app.add_option("--moments", options.moments, "End when so many have come")->type_name("COUNT");
    app.add_option("--seconds", options.seconds, "End after so many seconds")->type_name("SECONDS");
    CLI11_PARSE(app, argc, argv);
    try {
        return Viewer(options).run();
    } catch (const std::exception& error) {
        std::cerr << "inspect: " << error.what() << '\n';
    }
    return 1;
}
