// SPDX-License-Identifier: MIT
/// Tsv: a table as tab-separated values, which spreadsheets take from the clipboard.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace ioloop::imgui {

class Tsv {
public:
    /// What would end a cell becomes a space.
    void put(std::string_view cell) {
        if (!begin_of_row_) text_ += '\t';
        begin_of_row_ = false;
        const std::size_t begin = text_.size();
        text_ += cell;
        std::replace_if(
            text_.begin() + static_cast<std::ptrdiff_t>(begin), text_.end(),
            [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
    }
    void end_row() {
        text_ += '\n';
        begin_of_row_ = true;
    }
    const std::string& text() const { return text_; }

private:
    std::string text_;
    bool begin_of_row_ = true;
};

} // namespace ioloop::imgui
