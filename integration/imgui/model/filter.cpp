// SPDX-License-Identifier: MIT
#include "filter.hpp"

#include <algorithm>

namespace ioloop::imgui {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(std::string_view text, std::string_view word) {
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

} // namespace

void Filter::clear() {
    buffer_[0] = '\0';
    set_changed();
}

bool Filter::passes(std::span<const std::string_view> fields) const {
    bool asks = false; // for something; else everything passes that is not excluded
    bool found = false;
    std::string_view rest = buffer_.data();
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        std::string_view word = trimmed(rest.substr(0, comma));
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
        const bool excludes = word.starts_with('-');
        if (excludes) word.remove_prefix(1);
        if (word.empty()) continue;
        const bool match = std::any_of(fields.begin(), fields.end(),
                                       [&](std::string_view field) { return contains(field, word); });
        if (excludes && match) return false;
        if (!excludes) {
            asks = true;
            found = found || match;
        }
    }
    return found || !asks;
}

} // namespace ioloop::imgui
