// SPDX-License-Identifier: MIT
#include "site_names.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace ioloop {
namespace {

class Pool {
public:
    std::string_view keep(std::string_view text) {
        if (text.empty()) return "";
        const std::lock_guard lock(mutex_);
        std::string wanted(text);
        const auto found = names_.find(wanted);
        if (found != names_.end()) return *found;
        if (names_.size() >= most_kept_names || bytes_ + text.size() > most_kept_bytes) return "";
        bytes_ += text.size();
        return *names_.insert(std::move(wanted)).first; // nodes do not move
    }
    /// The number in this process; none if there are too many already.
    SiteId site(const Origin& origin) {
        const std::lock_guard lock(mutex_);
        const auto key = std::tuple(origin.name, origin.file, origin.function, origin.line, origin.internal);
        const auto found = sites_.find(key);
        if (found != sites_.end()) return found->second;
        if (sites_.size() >= most_kept_sites) return SiteId::none;
        return sites_.emplace(key, site_of(origin)).first->second;
    }

private:
    std::mutex mutex_;
    std::unordered_set<std::string> names_;
    /// By the addresses of kept names.
    std::map<std::tuple<const char*, const char*, const char*, std::uint32_t, bool>, SiteId> sites_;
    std::size_t bytes_ = 0;
};

/// Never torn down: what it keeps is pointed at until the process ends.
Pool& pool() {
    static Pool& only = *new Pool();
    return only;
}

} // namespace

std::string_view keep_name(std::string_view text) { return pool().keep(text); }

void SiteNames::add(std::string_view name, std::string_view file, std::string_view function,
                    std::uint32_t line, bool internal) {
    if (sites_.size() >= most_kept_sites) return;
    Origin origin;
    origin.name = name.empty() ? nullptr : keep_name(name).data();
    origin.file = keep_name(file).data();
    origin.function = keep_name(function).data();
    origin.line = line;
    origin.internal = internal;
    sites_.push_back(pool().site(origin));
}

std::uint64_t SiteNames::number_of(SiteId site) const noexcept {
    const auto found = std::find(sites_.begin(), sites_.end(), site);
    if (site == SiteId::none || found == sites_.end()) return 0;
    return static_cast<std::uint64_t>(found - sites_.begin()) + 1;
}

} // namespace ioloop
