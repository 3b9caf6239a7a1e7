// SPDX-License-Identifier: MIT
/// JournalTable: what happened, the newest first; what of it to record, and what to show.
#pragma once

#include "../model/journal.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop::imgui {

class JournalTable {
public:
    /// Once in each frame that is shown, whichever tab is open.
    void record(const View& view) { journal_.update(view); }
    void show(const Ui& ui);

private:
    void update(const Ui& ui);
    /// True if one was clicked.
    bool show_boxes(const Ui& ui, const char* heading, JournalKinds& kinds, const char* explanation);
    void show_row(const Ui& ui, const JournalEntry& entry, std::size_t position);
    void select(const Ui& ui, const JournalEntry& entry) const;

    Journal journal_;
    JournalKinds shown_;
    std::vector<JournalEntry> rows_; ///< those that pass, the newest first; they stay under the cursor
    std::uint64_t version_ = 0;
    std::uint64_t filter_version_ = 0;
    Table table_;
};

} // namespace ioloop::imgui
