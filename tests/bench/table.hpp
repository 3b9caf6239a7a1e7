// SPDX-License-Identifier: MIT
/// Table: printed as Markdown for people, and as JSON for programs.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace bench {

class Table {
public:
    using Row = std::vector<std::string>;

    Table(std::string title, Row head) : title_(std::move(title)), head_(std::move(head)) {}

    /// As many cells as the head has.
    void add(Row row) { rows_.push_back(std::move(row)); }

    void print_markdown(std::ostream& out) const {
        std::vector<std::size_t> widths;
        for (std::size_t column = 0; column < head_.size(); ++column) {
            std::size_t width = head_[column].size();
            for (const Row& row : rows_) width = std::max(width, row[column].size());
            widths.push_back(width);
        }
        const auto line = [&](const Row& row) {
            for (std::size_t column = 0; column < row.size(); ++column) {
                const std::string space(widths[column] - row[column].size(), ' ');
                out << "| " << (column == 0 ? row[column] + space : space + row[column]) << ' ';
            }
            out << "|\n";
        };
        out << "\n## " << title_ << "\n\n";
        line(head_);
        for (std::size_t column = 0; column < head_.size(); ++column)
            out << '|' << std::string(widths[column] + 1, '-') << (column == 0 ? '-' : ':');
        out << "|\n";
        for (const Row& row : rows_) line(row);
        out.flush();
    }

    /// An object; each row is one too, with the head's names for its members.
    void print_json(std::ostream& out) const {
        out << "{\"title\": \"" << title_ << "\", \"rows\": [";
        for (std::size_t row = 0; row < rows_.size(); ++row) {
            out << (row == 0 ? "\n    {" : ",\n    {");
            for (std::size_t column = 0; column < head_.size(); ++column)
                out << (column == 0 ? "\"" : ", \"") << head_[column] << "\": " << json(rows_[row][column]);
            out << '}';
        }
        out << "]}";
    }

private:
    /// No text in these tables needs to be escaped.
    static std::string json(const std::string& cell) {
        double number = 0;
        const char* const end = cell.data() + cell.size();
        return std::from_chars(cell.data(), end, number).ptr == end && !cell.empty() ? cell
                                                                                     : '"' + cell + '"';
    }

    std::string title_;
    Row head_;
    std::vector<Row> rows_;
};

} // namespace bench
