// SPDX-License-Identifier: MIT
/// InspectorGui: a Dear ImGui without a screen, with an inspector in it, and a hand that clicks.
///
///     InspectorGui gui(loop);
///     gui.click("pause");
///     gui.click("timeout/cancel", id_of(timeout));
#pragma once

#include "../../integration/imgui/inspector_impl.hpp"

#include <ioloop/imgui.hpp>

#include <algorithm>
#include <functional>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <imgui.h>

namespace ioloop::imgui {

struct InspectorProbe {
    static Inspector::Impl& impl(Inspector& inspector) { return *inspector.impl_; }
    static View& view(Inspector& inspector) { return inspector.impl_->view(); }
    static std::vector<Mark>& marks(Inspector& inspector) { return inspector.impl_->marks(); }
};

} // namespace ioloop::imgui

class ImGuiContextOwner {
public:
    ImGuiContextOwner() {
        ImGui::CreateContext();
        ImGuiIO& io = ImGui::GetIO();
        io.IniFilename = nullptr;
        io.DisplaySize = ImVec2(1400, 900);
        io.DeltaTime = 1.0F / 60;
#if IMGUI_VERSION_NUM < 18700
        for (int key = 0; key < ImGuiKey_COUNT; ++key) io.KeyMap[key] = 100 + key;
#endif
#ifdef IMGUI_HAS_TEXTURES
        io.BackendFlags |= ImGuiBackendFlags_RendererHasTextures;
#else
        unsigned char* pixels = nullptr;
        int width = 0;
        int height = 0;
        io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height);
#endif
    }
    ImGuiContextOwner(const ImGuiContextOwner&) = delete;
    ImGuiContextOwner& operator=(const ImGuiContextOwner&) = delete;
    ~ImGuiContextOwner() { ImGui::DestroyContext(); }
};

class InspectorGui {
public:
    using Inspector = ioloop::imgui::Inspector;
    using Mark = ioloop::imgui::Mark;
    using Probe = ioloop::imgui::InspectorProbe;

    explicit InspectorGui(ioloop::IOLoop& loop, Inspector::Options options = {}) : inspector(loop, options) {
        Probe::marks(inspector);
        frames(3); // Dear ImGui lays tables out in the first two
    }
    /// Of a loop that is somewhere else.
    explicit InspectorGui(ioloop::Source& source, Inspector::Options options = {})
        : inspector(source, options) {
        Probe::marks(inspector);
        frames(3);
    }

    /// What the host does between two frames.
    std::function<void()> between_frames = [] {};
    /// What is drawn; by default the inspector's window.
    std::function<void()> draw = [this] {
        ImGui::SetNextWindowPos(ImVec2(0, 0));
        inspector.show_window("IOLoop");
    };

    void frame() {
        ImGui::NewFrame();
        draw();
        ImGui::Render();
#ifdef IMGUI_HAS_TEXTURES
        for (ImTextureData* texture : *ImGui::GetDrawData()->Textures) {
            if (texture->Status != ImTextureStatus_OK) {
                texture->SetTexID(1);
                texture->SetStatus(ImTextureStatus_OK);
            }
        }
#endif
        between_frames();
    }
    void frames(int count) {
        for (int i = 0; i < count; ++i) frame();
    }

    const Mark* find(const std::string& name, std::uint64_t id = 0) {
        for (const Mark& mark : Probe::marks(inspector)) {
            if (mark.name == name && mark.id == id) return &mark;
        }
        return nullptr;
    }
    void move_to(float x, float y) {
#if IMGUI_VERSION_NUM >= 18700
        ImGui::GetIO().AddMousePosEvent(x, y);
#else
        ImGui::GetIO().MousePos = ImVec2(x, y);
#endif
    }
    void press(int button, bool down) {
#if IMGUI_VERSION_NUM >= 18700
        ImGui::GetIO().AddMouseButtonEvent(button, down);
#else
        ImGui::GetIO().MouseDown[button] = down;
#endif
    }
    void move_to(const std::string& name, std::uint64_t id = 0) {
        const Mark* mark = find(name, id);
        if (mark == nullptr) throw std::runtime_error("not on the screen: " + name);
        // In the middle; but near the beginning of a row, which has buttons further on.
        const float middle = (mark->max.x - mark->min.x) / 2;
        move_to(mark->min.x + std::min(middle, 100.0F), (mark->min.y + mark->max.y) / 2);
        frames(2);
    }
    void move_away() {
        move_to(1390, 890);
        frames(2);
    }
    void click_here(int button = 0) {
        press(button, true);
        frame();
        press(button, false);
        frames(2);
    }
    /// Presses and lets go, in frames of their own, and moves away.
    void click(const std::string& name, std::uint64_t id = 0, int button = 0) {
        move_to(name, id);
        click_here(button);
    }
    void right_click(const std::string& name, std::uint64_t id = 0) { click(name, id, 1); }
    void type(const char* text) {
        for (; *text != '\0'; ++text) {
            ImGui::GetIO().AddInputCharacter(static_cast<unsigned char>(*text));
            frame();
        }
    }

    /// Presses a key and lets it go.
    void press_key(ImGuiKey key) {
        const auto set = [&](bool down) {
#if IMGUI_VERSION_NUM >= 18700
            ImGui::GetIO().AddKeyEvent(key, down);
#else
            ImGui::GetIO().KeysDown[ImGui::GetIO().KeyMap[key]] = down;
#endif
        };
        set(true);
        frame();
        set(false);
        frames(2);
    }

    /// All that is shown, as text: also the rows that are scrolled out of sight.
    std::string text() {
        move_away(); // a tooltip would end the log
        const auto usual = std::exchange(draw, [this] {
            ImGui::SetNextWindowPos(ImVec2(0, 0));
            ImGui::Begin("IOLoop"); // the same one, so that the same tab is open
            ImGui::LogToClipboard();
            inspector.show_contents();
            ImGui::LogFinish();
            ImGui::End();
        });
        frames(3);
        // Later versions draw the tabs that are not open, "/ Timeouts \\", where earlier ones only name them.
        std::string text = std::regex_replace(ImGui::GetClipboardText(), std::regex(R"(/ (\w+) \\)"), "$1");
        draw = usual;
        frame();
        return text;
    }

    ImGuiContextOwner context;
    Inspector inspector;
};
