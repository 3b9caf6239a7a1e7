// SPDX-License-Identifier: MIT
/// Rasterizer: what Dear ImGui draws as pixels, without a screen, a GPU or a backend: slow, and the same everywhere.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include <imgui.h>

struct Picture {
    int width = 0;
    int height = 0;
    std::vector<std::array<float, 3>> pixels; ///< red, green, blue: 0 to 1

    const std::array<float, 3>& at(int x, int y) const {
        return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                      static_cast<std::size_t>(x)];
    }

    /// As a Windows bitmap.
    void save(const std::string& path) const {
        const auto row = static_cast<std::uint32_t>((width * 3 + 3) / 4 * 4);
        const std::uint32_t size = row * static_cast<std::uint32_t>(height);
        std::vector<std::uint8_t> file(54 + size);
        const auto put = [&](std::size_t at, std::uint32_t value) {
            for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
        };
        file[0] = 'B', file[1] = 'M';
        put(2, 54 + size), put(10, 54), put(14, 40);
        put(18, static_cast<std::uint32_t>(width)), put(22, static_cast<std::uint32_t>(height));
        file[26] = 1, file[28] = 24;
        put(34, size);
        for (int y = 0; y < height; ++y) {
            for (int x = 0; x < width; ++x) {
                for (std::size_t c = 0; c < 3; ++c) {
                    file[54 + static_cast<std::size_t>(height - 1 - y) * row +
                         static_cast<std::size_t>(x) * 3 + c] =
                        static_cast<std::uint8_t>(std::lround(at(x, y)[2 - c] * 255));
                }
            }
        }
        std::ofstream(path, std::ios::binary)
            .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    }
};

class Rasterizer {
public:
    /// After ImGui::Render(). The background is black.
    static Picture draw(const ImDrawData& data) {
        Picture picture;
        picture.width = static_cast<int>(data.DisplaySize.x);
        picture.height = static_cast<int>(data.DisplaySize.y);
        picture.pixels.resize(static_cast<std::size_t>(picture.width) *
                              static_cast<std::size_t>(picture.height));
        const Texture texture = atlas();
        for (int l = 0; l < data.CmdListsCount; ++l) {
            const ImDrawList& list = *data.CmdLists[l];
            for (const ImDrawCmd& command : list.CmdBuffer) {
                if (command.UserCallback != nullptr) continue;
                for (unsigned i = 0; i + 2 < command.ElemCount; i += 3) {
                    std::array<ImDrawVert, 3> corners;
                    for (unsigned c = 0; c < 3; ++c) {
                        const auto index = list.IdxBuffer[static_cast<int>(command.IdxOffset + i + c)];
                        corners[c] = list.VtxBuffer[static_cast<int>(command.VtxOffset + index)];
                    }
                    fill(picture, texture, corners, command.ClipRect);
                }
            }
        }
        return picture;
    }

private:
    struct Texture {
        const unsigned char* pixels = nullptr; ///< four bytes each
        int width = 0;
        int height = 0;
    };

    static Texture atlas() {
        Texture texture;
#ifdef IMGUI_HAS_TEXTURES
        ImTextureData& data = *ImGui::GetIO().Fonts->TexData;
        texture = {data.GetPixels(), data.Width, data.Height};
#else
        unsigned char* pixels = nullptr;
        ImGui::GetIO().Fonts->GetTexDataAsRGBA32(&pixels, &texture.width, &texture.height);
        texture.pixels = pixels;
#endif
        return texture;
    }

    static float edge(const ImVec2& a, const ImVec2& b, float x, float y) {
        return (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x);
    }
    /// Of two triangles that share an edge, one has the pixels on it.
    static bool owns(const ImVec2& a, const ImVec2& b) { return a.y == b.y ? b.x > a.x : b.y < a.y; }

    static void fill(Picture& picture, const Texture& texture, std::array<ImDrawVert, 3> v,
                     const ImVec4& clip) {
        float area = edge(v[0].pos, v[1].pos, v[2].pos.x, v[2].pos.y);
        if (area == 0) return;
        if (area < 0) std::swap(v[1], v[2]), area = -area;
        const auto [left, right] = std::minmax({v[0].pos.x, v[1].pos.x, v[2].pos.x});
        const auto [top, bottom] = std::minmax({v[0].pos.y, v[1].pos.y, v[2].pos.y});
        const int x_begin = std::max(static_cast<int>(std::max(left, clip.x)), 0);
        const int x_end = std::min(static_cast<int>(std::ceil(std::min(right, clip.z))), picture.width);
        const int y_begin = std::max(static_cast<int>(std::max(top, clip.y)), 0);
        const int y_end = std::min(static_cast<int>(std::ceil(std::min(bottom, clip.w))), picture.height);
        for (int y = y_begin; y < y_end; ++y) {
            for (int x = x_begin; x < x_end; ++x) {
                const float px = static_cast<float>(x) + 0.5F;
                const float py = static_cast<float>(y) + 0.5F;
                if (px < clip.x || px >= clip.z || py < clip.y || py >= clip.w) continue;
                std::array<float, 3> weight{};
                bool inside = true;
                for (std::size_t c = 0; c < 3; ++c) {
                    const ImVec2& a = v[(c + 1) % 3].pos;
                    const ImVec2& b = v[(c + 2) % 3].pos;
                    weight[c] = edge(a, b, px, py) / area;
                    if (weight[c] < 0 || (weight[c] == 0 && !owns(a, b))) inside = false;
                }
                if (inside) blend(picture, texture, v, weight, x, y);
            }
        }
    }

    static void blend(Picture& picture, const Texture& texture, const std::array<ImDrawVert, 3>& v,
                      const std::array<float, 3>& weight, int x, int y) {
        float tx = 0;
        float ty = 0;
        std::array<float, 4> color{};
        for (std::size_t c = 0; c < 3; ++c) {
            tx += weight[c] * v[c].uv.x;
            ty += weight[c] * v[c].uv.y;
            for (unsigned k = 0; k < 4; ++k) {
                color[k] += weight[c] * static_cast<float>((v[c].col >> (8 * k)) & 0xFFU) / 255;
            }
        }
        const int u =
            std::clamp(static_cast<int>(tx * static_cast<float>(texture.width)), 0, texture.width - 1);
        const int w =
            std::clamp(static_cast<int>(ty * static_cast<float>(texture.height)), 0, texture.height - 1);
        const unsigned char* texel =
            texture.pixels + (static_cast<std::ptrdiff_t>(w) * texture.width + u) * 4;
        const float alpha = color[3] * static_cast<float>(texel[3]) / 255;
        auto& pixel = picture.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
                                     static_cast<std::size_t>(x)];
        for (std::size_t k = 0; k < 3; ++k) {
            const float value = color[k] * static_cast<float>(texel[k]) / 255;
            pixel[k] = std::clamp(pixel[k] + alpha * (value - pixel[k]), 0.0F, 1.0F);
        }
    }
};
