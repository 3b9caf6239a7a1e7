// SPDX-License-Identifier: MIT
/// SiteNames: the call sites of another program, as sites of this one. Floor 3.
///
/// Their strings live as long as the process, as those of its own sites do: they are kept once each, in a pool with a
/// limit. Whoever is sent more names than a program can have sees the rest without a name; nothing grows.
#pragma once

#include <ioloop/site.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ioloop {

inline constexpr std::size_t most_kept_names = 32'768;
inline constexpr std::size_t most_kept_bytes = std::size_t{4} << 20U;
inline constexpr std::size_t most_kept_sites = 32'768;

/// The same text, ended by a zero, for the life of the process. Empty if it is, or if the pool is full.
/// Thread: any.
std::string_view keep_name(std::string_view text);

class SiteNames {
public:
    /// The next number is this one's.
    void add(std::string_view name, std::string_view file, std::string_view function, std::uint32_t line,
             bool internal = false);
    SiteId site_of(std::uint64_t number) const noexcept {
        return number - 1 < sites_.size() ? sites_[static_cast<std::size_t>(number - 1)] : SiteId::none;
    }
    /// The other way round; 0 for what was never added.
    std::uint64_t number_of(SiteId site) const noexcept;
    std::size_t size() const noexcept { return sites_.size(); }

private:
    std::vector<SiteId> sites_; ///< that of number 1 first
};

} // namespace ioloop
