// SPDX-License-Identifier: MIT
/// How the inspector looks: in each of Dear ImGui's own styles, with small and with large letters. With the environment
/// variable IOLOOP_PICTURES the pictures are saved in the folder that it names.
#include "support/inspected_loop.hpp"
#include "support/inspector_gui.hpp"
#include "support/rasterizer.hpp"
#include "support/sanitizers.hpp"
#include "support/socket_pair.hpp"

#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <deque>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <unistd.h>

using namespace ioloop;
using namespace std::chrono_literals;
using ioloop::imgui::severity_color;

namespace {

struct Look {
    const char* name;
    void (*style)(ImGuiStyle*);
    float scale;
};

constexpr std::array<Look, 6> looks{{{"dark", &ImGui::StyleColorsDark, 1},
                                     {"light", &ImGui::StyleColorsLight, 1},
                                     {"classic", &ImGui::StyleColorsClassic, 1},
                                     {"dark_large", &ImGui::StyleColorsDark, 1.75F},
                                     {"light_large", &ImGui::StyleColorsLight, 1.75F},
                                     {"classic_large", &ImGui::StyleColorsClassic, 1.75F}}};

void wear(const Look& look) {
    look.style(nullptr);
    ImGui::GetStyle().AntiAliasedLinesUseTex = false; // the rasterizer takes the nearest texel
#ifdef IMGUI_HAS_TEXTURES
    ImGui::GetStyle().FontScaleMain = look.scale;
#else
    ImGuiIO& io = ImGui::GetIO();
    ImFontConfig config;
    config.SizePixels = std::floor(13 * look.scale);
    io.Fonts->Clear();
    io.Fonts->AddFontDefault(&config);
    unsigned char* pixels = nullptr;
    int width = 0;
    int height = 0;
    io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height);
#endif
}

// ---- colours ------------------------------------------------------------------------------------

using Color = std::array<float, 3>;

ImVec4 style_color(ImGuiCol color) { return ImGui::GetStyleColorVec4(color); }
Color opaque(const ImVec4& color) { return {color.x, color.y, color.z}; }
Color over(const ImVec4& color, const Color& ground) {
    Color mixed = opaque(color);
    for (std::size_t i = 0; i < 3; ++i) mixed[i] = ground[i] + color.w * (mixed[i] - ground[i]);
    return mixed;
}
Color linear(Color color) {
    for (float& part : color)
        part = part <= 0.04045F ? part / 12.92F : std::pow((part + 0.055F) / 1.055F, 2.4F);
    return color;
}
float luminance(const Color& color) {
    const Color light = linear(color);
    return 0.2126F * light[0] + 0.7152F * light[1] + 0.0722F * light[2];
}
/// As the Web Content Accessibility Guidelines count it: 1 to 21; 4.5 can be read.
float contrast(const Color& a, const Color& b) {
    const float one = luminance(a);
    const float other = luminance(b);
    const auto [dark, light] = std::minmax(one, other);
    return (light + 0.05F) / (dark + 0.05F);
}
/// As seen without the cones for green, which is the most common way to see fewer colours.
Color without_green(const Color& color) {
    const Color c = linear(color);
    return {0.367F * c[0] + 0.861F * c[1] - 0.228F * c[2], 0.280F * c[0] + 0.673F * c[1] + 0.047F * c[2],
            -0.012F * c[0] + 0.043F * c[1] + 0.969F * c[2]};
}
float distance(const Color& a, const Color& b) {
    float sum = 0;
    for (std::size_t i = 0; i < 3; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return std::sqrt(sum);
}

void PrintTo(const Look& look, std::ostream* out) { *out << look.name; }

class ImguiPixels : public testing::TestWithParam<Look> {
protected:
    ImguiPixels() {
        loop.set_error_hook([](std::exception_ptr, const Origin&, CallKind) {});
        wear(GetParam());
        const float scale = GetParam().scale;
        ImGui::GetIO().DisplaySize = ImVec2(1260 * scale, 845 * scale);
        ImGui::SetWindowSize("IOLoop", ImVec2(1250 * scale, 840 * scale));
        gui.frames(3);
        for (const char* name : {"server link", "chat", "voice", "a duplicate keeps it"}) add(name);
        tick.start();
        loop.call_later(
            90s, [] {}, Origin("session expiry", "src/session.cpp", 7, "begin"));
    }

    void add(const char* name) {
        pairs.emplace_back();
        Origin origin("", "net/link.cpp", 41, "open");
        origin.name = name;
        const Fd fd = pairs.back().a;
        loop.add_handler(
            fd, [this, fd](Fd, Events) { on_message(fd); }, Events::read, origin);
    }
    void on_message(Fd fd) {
        SocketPair::read_all(fd);
        world.advance(250us);
        loop.add_callback([this] { world.advance(700us); },
                          Origin("apply message", "net/link.cpp", 60, "on_message"));
    }
    void play(int frames) {
        for (int i = 0; i < frames; ++i) {
            pairs[static_cast<std::size_t>(i) % 3].send_to_a("hello");
            if (i % 40 == 7) {
                loop.add_callback([this] { world.advance(9ms); },
                                  Origin("find path", "src/ai.cpp", 99, "think"));
            }
            if (i == 30) {
                loop.add_callback([] { throw std::runtime_error("no such unit"); },
                                  Origin("spawn wave", "src/waves.cpp", 12, "next"));
            }
            world.advance(12ms);
            loop.run_once();
            gui.frame();
        }
    }

    SimWorld world;
    IOLoop loop{world.options()};
    std::deque<SocketPair> pairs;
    PeriodicCallback tick{loop, 500ms, [this] { world.advance(3ms); },
                          Origin("autosave", "src/save.cpp", 12, "start")};
    InspectorGui gui{loop};
};

TEST_P(ImguiPixels, ShowTheInspectorAndNothingOfItIsBlank) {
    play(100);
    const Fd twin = ::dup(pairs[3].a);
    pairs[3].close_a(); // a ghost, where the kernel tells
    play(120);
    const auto calls = InspectorGui::Probe::view(gui.inspector).calls();
    gui.click("ran", calls.back().id);
    gui.move_to(ImGui::GetIO().DisplaySize.x - 5, 5);
    play(2);
    const Picture picture = Rasterizer::draw(*ImGui::GetDrawData());
    if (const char* folder = std::getenv("IOLOOP_PICTURES")) {
        picture.save(std::string(folder) + "/" + GetParam().name + ".bmp");
    }
    ::close(twin);

    // In each quarter of the window there is more than its background.
    const int width = static_cast<int>(1250 * GetParam().scale);
    const int quarter = static_cast<int>(840 * GetParam().scale) / 4;
    for (int y = 0; y < 4 * quarter; y += quarter) {
        const Color& ground = picture.at(width - 3, y + quarter / 2); // the padding at the right
        int other = 0;
        for (int i = 0; i < quarter; ++i) {
            for (int x = 0; x < width; ++x) other += picture.at(x, y + i) != ground ? 1 : 0;
        }
        EXPECT_GT(other, width * quarter / 100) << "blank from " << y << " on";
    }
}

TEST_P(ImguiPixels, TheToolbarAndTheNumbersOfTheHeadAreNotCut) {
    play(60);
    for (const float width : {1250.0F, 800.0F, 500.0F}) { // narrow ones break lines
        ImGui::SetWindowSize("IOLoop", ImVec2(width, 850));
        gui.frames(3);
        const auto& marks = InspectorGui::Probe::marks(gui.inspector);
        const std::set<std::string_view> tools{"freeze",    "record", "trigger", "pause", "step call",
                                               "step turn", "breaks", "filter",  "mark",  "filter/clear",
                                               "only new",  "copy",   "clear",   "number"};
        std::set<std::string_view> seen;
        const imgui::Mark* before = nullptr;
        for (const imgui::Mark& mark : marks) {
            if (!tools.contains(mark.name)) continue;
            seen.insert(mark.name);
            EXPECT_LE(mark.max.x, width) << mark.name << " in a window " << width << " wide";
            if (before != nullptr && mark.min.y < before->max.y) {
                EXPECT_GE(mark.min.x, before->max.x) << mark.name << " lies over " << before->name;
            }
            before = &mark;
        }
        EXPECT_EQ(seen, tools);
    }
}

TEST_P(ImguiPixels, TheLongestLabelOfEachButtonFits) {
    const auto fits = [&](const char* mark, const char* label) {
        const imgui::Mark* found = gui.find(mark);
        ASSERT_NE(found, nullptr) << mark;
        const float needed = ImGui::CalcTextSize(label).x + ImGui::GetStyle().FramePadding.x * 2;
        EXPECT_LE(needed, found->max.x - found->min.x) << label;
    };
    fits("freeze", "Freeze view");
    fits("trigger", "Waits to stop");
    fits("trigger", "! Triggered");
    fits("pause", "Resume loop");
    fits("step call", "Step call");
    fits("step turn", "Step turn");
    fits("breaks", "Breaks 32");
    fits("mark", "Mark A");
    fits("copy", "Copy");
    fits("clear", "Clear");
    fits("filter", "filter: a,b,-c");
}

TEST_P(ImguiPixels, TextCanBeReadOnTheBackgroundOfEverySeverity) {
    const Color window = opaque(style_color(ImGuiCol_WindowBg));
    for (const ImGuiCol ground :
         {ImGuiCol_WindowBg, ImGuiCol_TableRowBg, ImGuiCol_TableRowBgAlt, ImGuiCol_PopupBg}) {
        const Color below = over(style_color(ground), window);
        for (const Severity severity : {Severity::ok, Severity::note, Severity::warning, Severity::error}) {
            const Color behind = over(ImGui::ColorConvertU32ToFloat4(severity_color(severity)), below);
            EXPECT_GE(contrast(opaque(style_color(ImGuiCol_Text)), behind), 4.5F)
                << "severity " << static_cast<int>(severity) << " on " << ImGui::GetStyleColorName(ground);
        }
    }
}

TEST_P(ImguiPixels, SeveritiesDifferAlsoForThoseWhoSeeFewerColours) {
    const Color window = opaque(style_color(ImGuiCol_WindowBg));
    const auto seen = [&](Severity severity) {
        return without_green(over(ImGui::ColorConvertU32ToFloat4(severity_color(severity)), window));
    };
    const std::array<Severity, 3> all{Severity::ok, Severity::warning, Severity::error}; // a note may look ok
    for (const Severity a : all) {
        for (const Severity b : all) {
            if (a >= b) continue;
            EXPECT_GT(distance(seen(a), seen(b)), 0.08F)
                << "severity " << static_cast<int>(a) << " and " << static_cast<int>(b);
        }
    }
}

/// A sanitizer sees the same in each, and the rasterizer takes its time.
constexpr std::size_t look_count = UNDER_ADDRESS_SANITIZER || UNDER_THREAD_SANITIZER ? 2 : looks.size();

INSTANTIATE_TEST_SUITE_P(Looks, ImguiPixels, testing::ValuesIn(looks.begin(), looks.begin() + look_count),
                         [](const auto& of) { return std::string(of.param.name); });

} // namespace
