// SPDX-License-Identifier: MIT
/// ByteWriter and ByteReader: numbers and texts, little-endian, in and out of buffers that strangers may
/// have filled.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace arena {

using Buffer = std::vector<std::uint8_t>;
using Bytes = std::span<const std::uint8_t>;

/// The same bytes, as streams have them, and as they are here.
inline std::string_view text_of(Bytes bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class ByteWriter {
public:
    explicit ByteWriter(Buffer& out) noexcept : out_(out) {}

    template <class T>
        requires std::is_unsigned_v<T>
    void number(T value) {
        for (std::size_t i = 0; i < sizeof(T); ++i)
            out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    void signed16(std::int16_t value) { number(static_cast<std::uint16_t>(value)); }

    /// One byte of length, then the text, cut where it does not fit.
    void text(std::string_view value) {
        value = value.substr(0, 255);
        out_.push_back(static_cast<std::uint8_t>(value.size()));
        out_.insert(out_.end(), value.begin(), value.end());
    }

private:
    Buffer& out_;
};

/// Reads past the end give zeroes and make it not ok(): one question at the end instead of one at every field.
class ByteReader {
public:
    explicit ByteReader(Bytes bytes) noexcept : rest_(bytes) {}

    template <class T>
        requires std::is_unsigned_v<T> T number()
    noexcept {
        if (!has(sizeof(T))) return 0;
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{rest_[i]} << (8 * i);
        rest_ = rest_.subspan(sizeof(T));
        return static_cast<T>(value);
    }
    std::int16_t signed16() noexcept { return static_cast<std::int16_t>(number<std::uint16_t>()); }

    /// A text of at most `longest` bytes, without what would move a terminal's cursor.
    std::string text(std::size_t longest) {
        const std::size_t size = number<std::uint8_t>();
        if (size > longest) ok_ = false;
        if (!has(size)) return {};
        std::string value(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(size));
        std::replace_if(
            value.begin(), value.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
        rest_ = rest_.subspan(size);
        return value;
    }

    /// For what a number must be: an unknown kind, an index out of range.
    void demand(bool fine) noexcept { ok_ = ok_ && fine; }

    bool ok() const noexcept { return ok_; }
    /// Everything was there, and nothing else.
    bool finished() const noexcept { return ok_ && rest_.empty(); }

private:
    bool has(std::size_t size) noexcept {
        ok_ = ok_ && rest_.size() >= size;
        return ok_;
    }

    Bytes rest_;
    bool ok_ = true;
};

} // namespace arena
