// SPDX-License-Identifier: MIT
/// JsonLine: one JSON object, written field by field. Floor 3.
#pragma once

#include "utf8.hpp"

#include <ioloop/clock.hpp>

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace ioloop {

class JsonLine {
public:
    /// Begins anew, with the memory of the object before.
    JsonLine& begin() {
        line_.clear();
        return open();
    }
    /// Ends it, and gives it out. Lifetime: until the next begin().
    std::string_view end() {
        line_ += '}';
        return line_;
    }

    /// The fields that follow, up to close(), are those of an object in this field.
    JsonLine& open(std::string_view key) {
        add_key(key);
        return open();
    }
    JsonLine& close() {
        line_ += '}';
        return *this;
    }

    JsonLine& text(std::string_view key, std::string_view value) {
        add_key(key);
        add_quoted(value);
        return *this;
    }
    JsonLine& flag(std::string_view key, bool value) {
        add_key(key);
        line_ += value ? "true" : "false";
        return *this;
    }
    JsonLine& number(std::string_view key, std::integral auto value) {
        add_key(key);
        add_number(value);
        return *this;
    }
    /// In microseconds, to the nanosecond.
    JsonLine& microseconds(std::string_view key, Duration value) {
        add_key(key);
        const std::int64_t count = value.count();
        if (count < 0) line_ += '-';
        const std::uint64_t size = count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count)
                                             : static_cast<std::uint64_t>(count);
        add_number(size / 1000);
        const std::uint64_t rest = size % 1000;
        line_ += '.';
        for (const std::uint64_t digit : {rest / 100, rest / 10 % 10, rest % 10})
            line_ += static_cast<char>('0' + digit);
        return *this;
    }

private:
    JsonLine& open() {
        line_ += '{';
        return *this;
    }
    void add_key(std::string_view key) {
        if (line_.back() != '{') line_ += ',';
        add_quoted(key);
        line_ += ':';
    }
    void add_number(std::integral auto value) {
        char digits[24];
        const char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        line_.append(digits, static_cast<std::size_t>(end - digits));
    }
    void add_quoted(std::string_view text) {
        line_ += '"';
        while (!text.empty()) {
            const std::size_t length = utf8_length(text);
            const char c = text.front();
            if (length == 0) {
                line_ += "\xEF\xBF\xBD"; // the replacement character
            } else if (c == '"' || c == '\\') {
                line_ += '\\';
                line_ += c;
            } else if (const auto code = static_cast<unsigned char>(c); code < 0x20 || code == 0x7F) {
                line_ += "\\u00";
                line_ += static_cast<char>('0' + code / 16);
                line_ += "0123456789abcdef"[code % 16];
            } else {
                line_ += text.substr(0, length);
            }
            text.remove_prefix(length == 0 ? 1 : length);
        }
        line_ += '"';
    }

    std::string line_;
};

} // namespace ioloop
