// SPDX-License-Identifier: MIT
/// Text: what one cell says, on the stack. Numbers have a decimal point in every locale. Floor 3.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ioloop {

class Text {
public:
    static constexpr std::size_t capacity = 192;

    Text() { data_[0] = '\0'; }
    Text(std::string_view text) : Text() { add(text); }
    Text(const char* text) : Text(std::string_view(text)) {}

    /// What does not fit is cut off.
    Text& add(std::string_view text) {
        const std::size_t size = text.size() < capacity - size_ ? text.size() : capacity - size_;
        if (size > 0)
            std::memcpy(data_.data() + size_, text.data(), size); // null may come with 0, but not to memcpy()
        return resize(size_ + size);
    }
    Text& add(std::uint64_t number) {
        const auto result = std::to_chars(data_.data() + size_, data_.data() + capacity, number);
        return result.ec == std::errc() ? end_at(result.ptr) : *this;
    }
    Text& add_fixed(double number, int decimals) {
        const auto result = std::to_chars(data_.data() + size_, data_.data() + capacity, number,
                                          std::chars_format::fixed, decimals);
        return result.ec == std::errc() ? end_at(result.ptr) : *this;
    }

    const char* c_str() const { return data_.data(); }
    const char* end() const { return data_.data() + size_; }
    std::string_view view() const { return {data_.data(), size_}; }
    bool empty() const { return size_ == 0; }

private:
    Text& end_at(const char* end) { return resize(static_cast<std::size_t>(end - data_.data())); }
    Text& resize(std::size_t size) {
        size_ = size;
        data_[size_] = '\0';
        return *this;
    }

    std::array<char, capacity + 1> data_;
    std::size_t size_ = 0;
};

} // namespace ioloop
