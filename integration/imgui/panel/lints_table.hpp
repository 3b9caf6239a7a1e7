// SPDX-License-Identifier: MIT
/// LintsTable: what the lints found, why it is bad, and what to do about it.
#pragma once

#include "../model/subject.hpp"
#include "ui.hpp"

#include <ioloop/inspect/lint.hpp>
#include <ioloop/inspect/moment.hpp>

#include <cstddef>
#include <vector>

namespace ioloop::imgui {

class LintsTable {
public:
    void show(const Ui& ui);

    /// "Lints (2)###Lints": how many there are that are active and not muted.
    static Text tab_label(const Moment& moment);

private:
    void update(const Ui& ui);
    void show_summary(const Ui& ui) const;
    void show_row(const Ui& ui, const Finding& finding, std::size_t position);
    void show_buttons(const Ui& ui, const Finding& finding, std::size_t position);
    bool is_open(const Finding& finding) const;

    std::vector<Finding> rows_; ///< as last seen: they stay while the cursor is on them. The muted ones last
    bool held_ = false;
    // Whose «Why?» was clicked.
    bool open_ = false;
    Lint open_lint_ = Lint::busy_read;
    Subject open_subject_;
};

} // namespace ioloop::imgui
