// SPDX-License-Identifier: MIT
/// SiteNumbers: the call sites that one viewer has been told of. Floor 3.
///
/// A call site is three strings and a line. Each is sent once, under a number that counts up from 1; after that the
/// number is all there is to say.
#pragma once

#include <ioloop/site.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ioloop {

class SiteNumbers {
public:
    /// 0 for `none`.
    std::uint32_t number_of(SiteId site) {
        const auto index = static_cast<std::size_t>(site);
        if (index == 0) return 0;
        if (index >= numbers_.size()) numbers_.resize(index + 1, 0);
        if (numbers_[index] == 0) {
            known_.push_back(site);
            numbers_[index] = static_cast<std::uint32_t>(known_.size());
        }
        return numbers_[index];
    }

    /// What a number stands for; `none` if it was never given.
    SiteId site_of(std::uint64_t number) const noexcept {
        return number - 1 < known_.size() ? known_[static_cast<std::size_t>(number - 1)] : SiteId::none;
    }

    /// Those that were asked for since the last call and never before, in the order of their numbers.
    std::span<const SiteId> take_new() noexcept {
        const auto news = std::span<const SiteId>(known_).subspan(told_);
        told_ = known_.size();
        return news;
    }

private:
    std::vector<std::uint32_t> numbers_; ///< by SiteId
    std::vector<SiteId> known_;
    std::size_t told_ = 0;
};

} // namespace ioloop
