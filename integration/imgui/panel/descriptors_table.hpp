// SPDX-License-Identifier: MIT
/// DescriptorsTable: what the loop watches.
#pragma once

#include "../model/call_tally.hpp"
#include "../model/descriptor_cache.hpp"
#include "../model/rate.hpp"
#include "../model/row_set.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <compare>
#include <cstdint>
#include <string>

namespace ioloop::imgui {

class DescriptorsTable {
public:
    void show(const Ui& ui);
    /// What show() shows, with the rows and columns that are out of sight.
    std::string tsv(const Ui& ui);
    /// Selects another row than the one that is: so many further down.
    void move_selection(const Ui& ui, int rows);

    DescriptorCache& cache() { return cache_; }

private:
    struct Extra {
        Rate rate;
        Rate received; ///< bytes; and so are these
        Rate sent;
        Share ready; ///< turns in which it was called
        CallTally tally;
        TimePoint added_at{}; ///< or seen first
        bool added_at_known = false;
        KernelTruth truth = KernelTruth::unknown;
        std::uint64_t calls = 0;
        double called_at = -1;  ///< user interface time
        TimePoint idle_since{}; ///< called last, or seen first
    };
    using Rows = RowSet<HandlerInfo, Extra>;

    void update(const Ui& ui);
    void count(const Ui& ui);
    void arrange(const Ui& ui, bool sort);
    void show_row(const Ui& ui, Rows::Row& row);
    static Cell cell(const Ui& ui, const Rows::Row& row, const Descriptor* what, unsigned column);
    static bool is_of_flow(unsigned column);
    static Cell flow_cell(const HandlerInfo& info, const Extra& extra, unsigned column);
    static std::weak_ordering compare_flows(const HandlerInfo& left, const Extra& of_left,
                                            const HandlerInfo& right, const Extra& of_right, unsigned column);
    void show_popups(const Ui& ui);
    bool passes(const Ui& ui, const Rows::Row& row);

    Rows rows_;
    Table table_;
    DescriptorCache cache_;
    Unseen calls_;
    Unseen changes_;
    std::uint64_t version_ = 0;
    std::uint64_t mark_version_ = 0;
    Baseline::Difference since_mark_;
    HandlerInfo menu_; ///< whose popup is open
    bool open_menu_ = false;
    bool open_confirm_ = false;
};

} // namespace ioloop::imgui
