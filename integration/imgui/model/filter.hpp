// SPDX-License-Identifier: MIT
/// Filter: which rows to show. Dear ImGui's syntax: "udp,tcp,-listener" is (udp or tcp) and not listener; no
/// case.
#pragma once

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

    /// A word matches if it is part of any of the fields.
    bool passes(std::span<const std::string_view> fields) const;

private:
    std::array<char, 128> buffer_{};
    std::uint64_t version_ = 1;
};

} // namespace ioloop::imgui
