// SPDX-License-Identifier: MIT
#include "text_table.hpp"

#include "utf8.hpp"

#include <algorithm>

namespace ioloop {
namespace {

/// How many columns of a terminal it takes; wide characters are not known as such.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

void add_escaped(std::string& out, char c) {
    static constexpr const char* digits = "0123456789abcdef";
    const auto code = static_cast<unsigned char>(c);
    switch (c) {
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
        out += "\\x";
        out += digits[code / 16];
        out += digits[code % 16];
    }
}

} // namespace

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
        const auto first = static_cast<unsigned char>(text[0]);
        const auto second = static_cast<unsigned char>(text.size() > 1 ? text[1] : 0);
        const bool control = first < 0x20 || first == 0x7F || (first == 0xC2 && second < 0xA0); // C0, C1
        if (control || (first >= 0x80 && length == 1)) {
            for (const char c : text.substr(0, length)) add_escaped(out, c);
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return out;
}

TextTable& TextTable::add(std::string_view cell) {
    cells_.push_back(cell.empty() ? "-" : printable(cell));
    return *this;
}

void TextTable::write(std::string& out) const {
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) widths.push_back(width_of(column.heading));
    const auto next = [&](std::size_t column) { return column + 1 == columns_.size() ? 0 : column + 1; };
    std::size_t column = 0;
    for (const std::string& cell : cells_) {
        widths[column] = std::max(widths[column], width_of(cell));
        column = next(column);
    }

    column = 0;
    const auto put = [&](std::string_view cell) {
        const std::size_t padding = widths[column] - width_of(cell);
        const bool right = columns_[column].right;
        out += "  ";
        if (right) out.append(padding, ' ');
        out += cell;
        if (column + 1 == columns_.size()) {
            out += '\n';
        } else if (!right) {
            out.append(padding, ' ');
        }
        column = next(column);
    };
    for (const Column& heading : columns_) put(heading.heading);
    for (const std::string& cell : cells_) put(cell);
}

} // namespace ioloop
