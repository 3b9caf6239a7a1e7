// SPDX-License-Identifier: MIT
/// SitesTable: which call sites take the loop's time. Ten thousand connections are a row here.
#pragma once

#include "../model/rate.hpp"
#include "../model/row_set.hpp"
#include "../model/site_list.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <cstdint>

namespace ioloop::imgui {

class SitesTable {
public:
    void show(const Ui& ui);

private:
    struct Extra {
        Rate calls;
        Rate busy; ///< nanoseconds
        Rate created;
    };
    using Rows = RowSet<SiteInfo, Extra>;

    void update(const Ui& ui);
    void arrange(const Ui& ui);
    void show_row(const Ui& ui, Rows::Row& row);
    double share_of(const Rows::Row& row) const;

    SiteList sites_;
    Rows rows_;
    Table table_;
    Rate busy_; ///< of the whole loop, nanoseconds
    TimePoint sampled_at_{};
    std::uint64_t version_ = 0;
};

} // namespace ioloop::imgui
