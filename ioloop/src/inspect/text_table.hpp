// SPDX-License-Identifier: MIT
/// TextTable: cells in columns as wide as need be. Floor 3.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ioloop {

/// Control characters, and what is not UTF-8, as in C: "\n", "\x1b".
std::string printable(std::string_view text);

class TextTable {
public:
    struct Column {
        const char* heading;
        bool right = false; ///< numbers stand below each other
    };

    /// Lifetime of the columns: as long as this.
    explicit TextTable(std::span<const Column> columns) : columns_(columns) {}

    /// The next cell of the row; after the last one the next row begins. Nothing is written as "-".
    TextTable& add(std::string_view cell);

    /// Appends the headings and the rows, each indented and a line.
    void write(std::string& out) const;

private:
    std::span<const Column> columns_;
    std::vector<std::string> cells_; ///< row by row
};

} // namespace ioloop
