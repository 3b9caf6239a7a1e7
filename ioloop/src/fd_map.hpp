// SPDX-License-Identifier: MIT
/// FdMap: from a descriptor's number to a place in somebody's table. Floor 1.
///
/// POSIX numbers descriptors from 0 up and takes the lowest that is free: an array finds a place at once. On
/// Windows a socket is a handle, which is small as a rule, but may be any number: those beyond the array are
/// hashed, so that one of them does not cost gigabytes.
#pragma once

#include <ioloop/fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <unordered_map>
#include <vector>

namespace ioloop {

class FdMap {
public:
    static constexpr std::uint32_t nowhere = UINT32_MAX;

    explicit FdMap(std::pmr::memory_resource* memory = std::pmr::get_default_resource())
        : near_(memory),
          far_(memory) {}

    /// The place of `fd`, or nowhere.
    std::uint32_t find(Fd fd) const noexcept {
        if (is_near(fd)) {
            const auto index = static_cast<std::size_t>(fd);
            return index < near_.size() ? near_[index] : nowhere;
        }
        const auto found = far_.find(fd);
        return found != far_.end() ? found->second : nowhere;
    }

    /// Errors: std::bad_alloc, with nothing changed.
    void set(Fd fd, std::uint32_t place) {
        if (is_near(fd)) {
            const auto index = static_cast<std::size_t>(fd);
            if (index >= near_.size()) near_.resize(index + 1, nowhere);
            near_[index] = place;
        } else {
            far_[fd] = place;
        }
    }

    void erase(Fd fd) noexcept {
        if (!is_near(fd)) {
            far_.erase(fd);
        } else if (const auto index = static_cast<std::size_t>(fd); index < near_.size()) {
            near_[index] = nowhere;
        }
    }

    void clear() noexcept {
        near_.clear();
        far_.clear();
    }

private:
    static constexpr Fd limit = 1 << 20; ///< as many as Linux gives to a process: 4 MB, if it takes them all

    static bool is_near(Fd fd) noexcept { return fd >= 0 && fd < limit; }

    std::pmr::vector<std::uint32_t> near_;
    std::pmr::unordered_map<Fd, std::uint32_t> far_;
};

} // namespace ioloop
