// SPDX-License-Identifier: MIT
/// RowSet: the rows of a live table: in an order that does not jump under the cursor, whatever the loop does.
///
/// update() brings in what the loop holds now. While the table is held, rows stay where they are: what is
/// gone keeps its row, marked; what is new comes at the end. Otherwise they are sorted, by id among equals,
/// and so for certain. What is pinned comes before the rest, passes every filter, and stays when it is gone.
#pragma once

#include "id_map.hpp"

#include <ioloop/snapshot.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ioloop::imgui {

inline std::uint64_t id_of(const HandlerInfo& info) { return info.id; }
inline std::uint64_t id_of(const TimeoutInfo& info) { return id_of(info.id); }
inline std::uint64_t id_of(const CallbackInfo& info) { return info.id; }
inline std::uint64_t id_of(const ScopeInfo& info) { return info.id; }
inline std::uint64_t id_of(const TaskInfo& info) { return info.id; }

/// The library's own, which most users do not want to see.
template <class Info> bool is_internal(const Info& info) {
    if constexpr (requires { info.origin.internal; }) return info.origin.internal;
    return false;
}

struct SortKey {
    unsigned column = 0; ///< as the table numbers them for itself, wherever the user dragged them to
    bool descending = false;
};

/// `Extra` is what a table keeps with each row beside what the loop says.
template <class Info, class Extra> class RowSet {
public:
    struct Row {
        Info info;
        Extra extra;
        std::uint64_t id = 0;
        std::size_t at = 0; ///< its place among what the loop holds
        bool gone = false;  ///< the loop has it no more
        bool shown = true;  ///< passes the filter
        bool pinned = false;
    };

    /// Takes over what the loop holds. `begin(row)` is called once for a new row, `refresh(row)` for each
    /// that is there.
    template <class Begin, class Refresh>
    void update(std::span<const Info> infos, Begin begin, Refresh refresh) {
        ids_.reset(infos.size());
        indexed_ = false;
        // Most are where they were, as the loop lists them by slot.
        const auto place_of = [&](const Row& row) {
            if (row.at < infos.size() && id_of(infos[row.at]) == row.id)
                return static_cast<std::uint32_t>(row.at);
            index(infos.size(), [&](std::uint32_t at) { return id_of(infos[at]); });
            return ids_.find(row.id);
        };
        row_of_.reserve(std::bit_ceil(infos.size() + 1)); // assign() alone would grow it one by one
        row_of_.assign(infos.size(), IdMap::none);
        gone_ = 0;
        for (const std::uint32_t index : order_) {
            Row& row = rows_[index];
            const std::uint32_t at = row.gone ? IdMap::none : place_of(row);
            // A program somewhere else may repeat an id: one row to a place, or they would pile up.
            if (at == IdMap::none || row_of_[at] != IdMap::none) {
                row.gone = true;
                if (!row.pinned) ++gone_;
                continue;
            }
            row_of_[at] = index;
            row.info = infos[at];
            row.at = at;
            refresh(row);
        }
        for (std::size_t i = 0; i < infos.size(); ++i) {
            if (row_of_[i] != IdMap::none) continue;
            const std::uint32_t index = make_row();
            Row& row = rows_[index];
            row = Row{infos[i], Extra{}, id_of(infos[i]), i, false, true};
            row_of_[i] = index;
            if (is_internal(row.info)) ++internal_;
            begin(row);
            refresh(row);
            order_.push_back(index);
            unfiltered_ = true;
        }
    }

    /// Filters and sorts, if there is cause. `compare(a, b, column)` orders two rows.
    template <class Passes, class Compare>
    void arrange(bool held, bool sort_now, std::uint64_t filter_version, std::span<const SortKey> keys,
                 Passes passes, Compare compare) {
        bool rearranged = false;
        if (unfiltered_ || filter_version_ != filter_version) {
            for (const std::uint32_t index : order_) rows_[index].shown = passes(rows_[index]);
            filter_version_ = filter_version;
            unfiltered_ = false;
            rearranged = true;
        }
        // However long the cursor rests here: what is gone may not pile up.
        if (gone_ > 0 && (!held || gone_ > most_gone)) {
            drop_gone();
            rearranged = true;
        }
        if (sort_now) {
            const auto before = [&](std::uint32_t left, std::uint32_t right) {
                const Row& a = rows_[left];
                const Row& b = rows_[right];
                for (const SortKey& key : keys) {
                    const std::weak_ordering order = compare(a, b, key.column);
                    if (order != 0) return key.descending ? order > 0 : order < 0;
                }
                return a.id < b.id;
            };
            // Most often they are in order, and to see that takes a tenth of sorting them.
            if (!std::is_sorted(order_.begin(), order_.end(), before)) {
                std::sort(order_.begin(), order_.end(), before);
                rearranged = true;
            }
        }
        if (!rearranged) return;
        shown_.clear();
        for (const bool pinned : {true, false}) {
            for (const std::uint32_t index : order_) {
                const Row& row = rows_[index];
                if (row.pinned == pinned && (row.shown || pinned)) shown_.push_back(index);
            }
        }
    }

    bool is_pinned(std::uint64_t id) const {
        return std::any_of(order_.begin(), order_.end(),
                           [&](std::uint32_t index) { return rows_[index].id == id && rows_[index].pinned; });
    }
    void set_pinned(std::uint64_t id, bool pinned) {
        for (const std::uint32_t index : order_) {
            if (rows_[index].id == id) rows_[index].pinned = pinned;
        }
        unfiltered_ = true; // so that they are arranged anew
    }

    /// Of what the loop held at the last update(). Null: not that id.
    Row* find(std::uint64_t id) {
        index(row_of_.size(), [&](std::uint32_t at) { return rows_[row_of_[at]].id; });
        const std::uint32_t at = ids_.find(id);
        return at < row_of_.size() ? &rows_[row_of_[at]] : nullptr;
    }

    /// The rows to draw, in order.
    std::size_t size() const { return shown_.size(); }
    Row& operator[](std::size_t position) { return rows_[shown_[position]]; }
    /// With those that do not pass the filter, but for the library's own if these are hidden.
    std::size_t total(bool with_internal = true) const {
        return order_.size() - (with_internal ? 0 : internal_);
    }

private:
    static constexpr std::size_t most_gone = 200;

    /// Fills ids_, unless it is: only where something came, went or was called is anything looked up.
    template <class IdAt> void index(std::size_t count, IdAt id_at) {
        if (std::exchange(indexed_, true)) return;
        for (std::uint32_t at = 0; at < count; ++at) ids_.insert(id_at(at), at);
    }
    std::uint32_t make_row() {
        if (!free_.empty()) {
            const std::uint32_t index = free_.back();
            free_.pop_back();
            return index;
        }
        rows_.emplace_back();
        free_.reserve(rows_.capacity()); // so that making room does not allocate later
        shown_.reserve(rows_.capacity());
        return static_cast<std::uint32_t>(rows_.size() - 1);
    }
    void drop_gone() {
        std::erase_if(order_, [&](std::uint32_t index) {
            if (!rows_[index].gone || rows_[index].pinned) return false;
            if (is_internal(rows_[index].info)) --internal_;
            free_.push_back(index);
            return true;
        });
        gone_ = 0;
    }

    std::vector<Row> rows_;            ///< those in order_, and those in free_
    std::vector<std::uint32_t> order_; ///< all rows
    std::vector<std::uint32_t> shown_; ///< those that pass
    std::vector<std::uint32_t> free_;
    std::vector<std::uint32_t> row_of_; ///< of each that the loop holds
    IdMap ids_;                         ///< from ids to places in row_of_
    bool indexed_ = true;               ///< ids_ is filled
    std::size_t gone_ = 0;
    std::size_t internal_ = 0; ///< rows of the library's own
    std::uint64_t filter_version_ = 0;
    bool unfiltered_ = false;
};

} // namespace ioloop::imgui
