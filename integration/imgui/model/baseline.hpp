// SPDX-License-Identifier: MIT
/// Baseline: the mark A: what there was at a moment. What is new since, and does not go away, leaks.
#pragma once

#include "id_map.hpp"
#include "row_set.hpp"

#include <ioloop/observer.hpp>
#include <ioloop/snapshot.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

namespace ioloop::imgui {

class Baseline {
public:
    void set(const Snapshot& snapshot) {
        handlers_.set(std::span<const HandlerInfo>(snapshot.handlers));
        timeouts_.set(std::span<const TimeoutInfo>(snapshot.timeouts));
        is_set_ = true;
        ++version_;
    }
    void set_only_new(bool only_new) {
        only_new_ = only_new;
        ++version_;
    }

    bool is_set() const { return is_set_; }
    /// Whether the tables show only what is new since.
    bool only_new() const { return only_new_; }
    /// Another number whenever other rows are new or shown.
    std::uint64_t version() const { return version_; }

    bool hides(const HandlerInfo& info) const { return only_new_ && handlers_.has(info.id); }
    bool hides(const TimeoutInfo& info) const { return only_new_ && timeouts_.has(id_of(info)); }

    struct Difference {
        std::size_t added = 0;
        std::size_t gone = 0;
    };
    Difference since(std::span<const HandlerInfo> now) const { return handlers_.compare(now); }
    Difference since(std::span<const TimeoutInfo> now) const { return timeouts_.compare(now); }

private:
    class Ids {
    public:
        template <class Info> void set(std::span<const Info> infos) {
            map_.reset(infos.size());
            for (std::uint32_t i = 0; i < infos.size(); ++i) map_.insert(id_of(infos[i]), i);
            count_ = infos.size();
        }
        bool has(std::uint64_t id) const { return map_.find(id) != IdMap::none; }
        template <class Info> Difference compare(std::span<const Info> now) const {
            Difference difference;
            for (const Info& info : now) {
                if (!has(id_of(info))) ++difference.added;
            }
            difference.gone = count_ - (now.size() - difference.added);
            return difference;
        }

    private:
        IdMap map_;
        std::size_t count_ = 0;
    };

    Ids handlers_;
    Ids timeouts_;
    bool is_set_ = false;
    bool only_new_ = false;
    std::uint64_t version_ = 0;
};

} // namespace ioloop::imgui
