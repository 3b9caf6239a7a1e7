// SPDX-License-Identifier: MIT
#include "../os/epoll_listing.hpp"

#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/kernel_set.hpp>
#include <ioloop/poller.hpp>

#include <algorithm>

namespace ioloop {
namespace {

bool is_own(const KernelSet::Entry& entry) { return entry.id >= Poller::own_keys; }

} // namespace

bool KernelSet::read(Fd handle) {
    entries_.clear();
    leftovers_.clear();
    // Every set of ours has a wake event, by a key of its own. Where it is missing, what is read as our keys may be
    // anything: a socket's listing, say, which is empty, or an epoll set of the program's.
    known_ = list_epoll_set(handle, entries_) && std::any_of(entries_.begin(), entries_.end(), is_own);
    if (!known_) entries_.clear();
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.id < b.id; });
    return known_;
}

std::span<const KernelTruth> KernelSet::compare(std::span<const HandlerInfo> handlers,
                                                std::span<const RegisteredFile> files) {
    truths_.assign(handlers.size(), KernelTruth::unknown);
    leftovers_.clear();
    if (!known_) return truths_;
    for (Entry& entry : entries_) entry.claimed = is_own(entry);
    for (std::size_t i = 0; i < handlers.size(); ++i) truths_[i] = judge(handlers[i], files);
    for (const Entry& entry : entries_) {
        if (!entry.claimed) leftovers_.push_back(entry);
    }
    return truths_;
}

KernelTruth KernelSet::judge(const HandlerInfo& handler, std::span<const RegisteredFile> files) {
    const auto by_id = [](const auto& element, std::uint64_t id) { return element.id < id; };
    auto entry = std::lower_bound(entries_.begin(), entries_.end(), handler.id, by_id);
    while (entry != entries_.end() && entry->id == handler.id && entry->fd != handler.fd) ++entry;
    if (entry != entries_.end() && entry->id == handler.id) {
        entry->claimed = true;
        if (entry->ghost) return KernelTruth::ghost;
        return watches(*entry, handler.interest) ? KernelTruth::in_step : KernelTruth::mask_differs;
    }
    if (handler.running || handler.adrift) return KernelTruth::in_step;
    const auto was = std::lower_bound(files.begin(), files.end(), handler.id, by_id);
    if (was == files.end() || was->id != handler.id || !was->file) return KernelTruth::lost;
    const FileIdentity is = file_of(handler.fd);
    return is && is != was->file ? KernelTruth::reused : KernelTruth::lost;
}

const char* name_of(KernelTruth truth) noexcept {
    switch (truth) {
    case KernelTruth::unknown: return "unknown";
    case KernelTruth::in_step: return "in step";
    case KernelTruth::mask_differs: return "mask differs";
    case KernelTruth::lost: return "lost";
    case KernelTruth::reused: return "number reused";
    case KernelTruth::ghost: return "ghost";
    }
    return "?";
}

} // namespace ioloop
