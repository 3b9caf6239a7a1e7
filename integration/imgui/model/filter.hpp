// SPDX-License-Identifier: MIT
/// Filter: which rows to show: not those that the library made for itself, unless asked, and those that have what is typed. Dear ImGui's syntax: "udp,tcp,-listener" is (udp or tcp) and not listener; no
/// case.
#pragma once

#include <ioloop/origin.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ioloop::imgui {

class Filter {
public:
    /// What is typed into; set_changed() comes after each change.
    std::array<char, 128>& buffer() { return buffer_; }
    void set_changed() { ++version_; }
    void clear();

    bool empty() const { return buffer_[0] == '\0'; }
    /// Another number for another filter.
    std::uint64_t version() const { return version_; }

    /// Whether to show what the library registered for itself.
    void set_internal_shown(bool shown) {
        internal_shown_ = shown;
        set_changed();
    }
    bool internal_shown() const { return internal_shown_; }
    /// What is registered there is not shown, whatever is typed.
    bool hides(const Origin& origin) const { return origin.internal && !internal_shown_; }

    /// A word matches if it is part of any of the fields.
    bool passes(std::span<const std::string_view> fields) const;

private:
    std::array<char, 128> buffer_{};
    std::uint64_t version_ = 1;
    bool internal_shown_ = false;
};

} // namespace ioloop::imgui
