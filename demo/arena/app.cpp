// SPDX-License-Identifier: MIT
#include "app.hpp"

#include "modes.hpp"
#include "network_panel.hpp"
#include "points.hpp"
#include "trouble_menu.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include <SDL.h>

namespace arena {

using namespace std::chrono_literals;

namespace {

/// Without a display the game is a picture: played by a bot for some seconds, then saved.
Options for_the_dark(Options options, const Window& window) {
    if (!window.offscreen()) return options;
    options.autopilot = true;
    if (!options.duration && options.frames == 0) options.duration = 4s;
    if (options.screenshot.empty()) options.screenshot = "arena.png";
    log_line("no display (" + window.why_offscreen() + "): playing offscreen, and leaving " +
             options.screenshot);
    return options;
}

ioloop::imgui::Inspector::Options remembering(ioloop::Recorder& recorder) {
    ioloop::imgui::Inspector::Options options;
    options.recorder = &recorder;
    return options;
}

} // namespace

App::App(const Options& options)
    : window_("Arena", options.width, options.height),
      options_(for_the_dark(options, window_)),
      session_(options_),
      host_(session_.loop()),
      inspector_(session_.loop(), remembering(recorder_)),
      modes_(host_, options_.pacing),
      motd_(session_.loop(), log_line),
      trouble_(session_.loop()),
      inspecting_(options_.inspector),
      troubling_(false),
      networking_(options_.network != Impairment::Options{}),
      comparing_(options_.modes) {}

int App::run() {
    // Not steady time: the clock of the loop stands still while the inspector has it paused; frames do not.
    begin_ = drawn_ = ioloop::steady_clock().now();
    while (true) {
        pacer_.begin_frame();
        handle_events();
        if (session_.quitting()) break;
        // What came while the last frame was presented is drawn in this one, not in the next.
        note(host_.pump(pacer_));
        session_.look();
        post_steering();
        post_statistics();
        const ioloop::TimePoint now = ioloop::steady_clock().now();
        draw(now);
        window_.render();
        if (last_frame(now)) {
            if (!options_.screenshot.empty()) {
                save_png(window_.capture(), options_.screenshot);
                log_line("saved " + options_.screenshot);
            }
            break;
        }
        window_.present();
        smooth_drawing_ += (ioloop::steady_clock().now() - now - smooth_drawing_) / 20;
        pump();
    }
    if (options_.report) {
        const ioloop::Duration played = ioloop::steady_clock().now() - begin_;
        std::cout << report(session_, frames_, played, longest_call_) << std::flush;
    }
    session_.client().stop();
    return 0;
}

bool App::last_frame(ioloop::TimePoint now) const {
    return (options_.frames > 0 && frames_.frames + 1 >= options_.frames) ||
           (options_.duration && now - begin_ >= *options_.duration);
}

void App::handle_events() {
    SDL_Event event;
    while (SDL_PollEvent(&event) != 0) handle(event);
}

void App::handle(const SDL_Event& event) {
    window_.handle(event);
    if (event.type == SDL_QUIT) session_.quit();
    if (event.type == SDL_KEYDOWN && event.key.repeat == 0) on_key(event.key.keysym.sym);
}

void App::on_key(int key) {
    motd_.dismiss();
    if (key == SDLK_F1) inspecting_ = !inspecting_;
    if (key == SDLK_F3) troubling_ = !troubling_;
    if (key == SDLK_F4) networking_ = !networking_;
    if (key == SDLK_F5) comparing_ = !comparing_;
    if (hud_.chatting()) {
        if (key == SDLK_RETURN || key == SDLK_KP_ENTER) hud_.send_chat();
        if (key == SDLK_ESCAPE) hud_.leave_chat();
        return;
    }
    if (ImGui::GetIO().WantTextInput) return; // the inspector's filter
    // There it unselects. A click into the game, or F1, and it is the game's again.
    const bool in_a_tool = (inspecting_ || troubling_ || networking_ || comparing_) &&
                           ImGui::IsWindowFocused(ImGuiFocusedFlags_AnyWindow);
    if (key == SDLK_ESCAPE && in_a_tool) return;
    switch (key) {
    case SDLK_RETURN:
    case SDLK_KP_ENTER: hud_.open_chat(); break;
    case SDLK_F2: session_.client().set_autopilot(!session_.client().autopilot()); break;
    case SDLK_ESCAPE: session_.quit(); break;
    default: break;
    }
}

/// What the player holds down; for the client to see at the beginning of the next pump, in the order of all
/// other events. While the loop is paused one such post waits, not one for each frame.
void App::post_steering() {
    input_ = {};
    if (!ImGui::GetIO().WantTextInput) {
        const Uint8* down = SDL_GetKeyboardState(nullptr);
        input_.left = down[SDL_SCANCODE_LEFT] != 0 || down[SDL_SCANCODE_A] != 0;
        input_.right = down[SDL_SCANCODE_RIGHT] != 0 || down[SDL_SCANCODE_D] != 0;
        input_.thrust = down[SDL_SCANCODE_UP] != 0 || down[SDL_SCANCODE_W] != 0;
        input_.fire = down[SDL_SCANCODE_SPACE] != 0;
    }
    if (session_.client().autopilot() || std::exchange(steering_posted_, true)) return;
    session_.loop().add_callback(
        [this] {
            steering_posted_ = false;
            if (!session_.client().autopilot()) session_.client().steer(input_);
        },
        "steer");
}

void App::post_statistics() {
    if (std::exchange(statistics_posted_, true)) return;
    session_.loop().add_callback(
        [this] {
            statistics_posted_ = false;
            longest_pump_ = *std::max_element(pumps_.begin(), pumps_.end());
        },
        "frame statistics");
}

/// The game is made for 1280 x 720. In halves, as letters of pixels look best so; and never too small to be read.
void App::fit_scale() {
    const auto [width, height] = window_.size();
    const float fitting = std::min(static_cast<float>(width) / 1280, static_cast<float>(height) / 720);
    const float scale =
        options_.scale > 0 ? options_.scale : std::clamp(std::floor(fitting * 2) / 2, 1.0F, 4.0F);
    if (std::exchange(scale_, scale) == scale) return;
    window_.set_scale(scale);
    apply_style(scale);
}

void App::draw(ioloop::TimePoint now) {
    const float time = seconds(now - drawn_);
    drawn_ = now;
    smooth_frame_ += (time - smooth_frame_) * 0.05F;

    fit_scale();
    window_.begin_frame();
    ImDrawList& background = *ImGui::GetBackgroundDrawList();
    const ImVec2 size = ImGui::GetIO().DisplaySize;
    Client& client = session_.client();
    ioloop::IOLoop& loop = session_.loop();
    const ioloop::TimePoint game_time = loop.time();
    scene_.draw(background, size, time, client.sight().ships(game_time), client.sight().shots(game_time),
                client.id(), [&](PlayerId id) -> std::string_view {
                    const Roster::Entry* entry = client.entry(id);
                    return entry != nullptr ? std::string_view(entry->name) : std::string_view();
                });

    // A bot does not read.
    if (client.link().joined() && !client.autopilot()) motd_.ask(client.link().server(), client.motd_port());

    Hud::State state;
    state.scoreboard = SDL_GetKeyboardState(nullptr)[SDL_SCANCODE_TAB] != 0;
    state.inspector = inspecting_;
    state.autopilot = client.autopilot();
    state.frames_per_second = 1 / std::max(smooth_frame_, 0.001F);
    state.longest_pump = longest_pump_;
    state.left = scene_.left() + points(14);
    state.motd = &motd_.view();
    hud_.draw(background, size, client, game_time, state, [&](const std::string& text) {
        loop.add_callback([&client, text] { client.say(text); }, "say");
    });

    // The inspector has a size of its own; it begins in the upper right.
    ImGui::SetNextWindowPos({size.x - points(12), points(48)}, ImGuiCond_FirstUseEver, {1, 0});
    inspector_.show_window("IOLoop", &inspecting_);
    show_network_panel(session_, &networking_, {points(12), points(48)});
    show_trouble_menu(trouble_, &troubling_, {points(6), size.y - points(48)});
    modes_.show(&comparing_, {size.x - points(12), size.y - points(48)}, smooth_drawing_);
}

/// The rest of the frame is the loop's, unless the player wants to see what it is like if it is not.
void App::pump() {
    modes_.begin_rest();
    note(spend_rest(host_, pacer_, modes_.pacing(), [this](const SDL_Event& event) { handle(event); }));
    frames_.end_frame(ioloop::steady_clock().now() - pacer_.deadline());
    pumps_[frames_.frames % pumps_.size()] = {};
}

void App::note(const ioloop::Turn& pump) {
    frames_.add(pump);
    longest_call_.look_at(recorder_);
    ioloop::Duration& longest = pumps_[frames_.frames % pumps_.size()];
    longest = std::max(longest, pump.busy);
}

int play_in_window(const Options& options) { return App(options).run(); }

} // namespace arena
