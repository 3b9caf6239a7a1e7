// SPDX-License-Identifier: MIT
/// SlowTable: the calls that took too long, the newest first.
#pragma once

#include "../model/slow_log.hpp"
#include "table.hpp"
#include "ui.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ioloop::imgui {

class SlowTable {
public:
    /// Once in each frame that is shown, whichever tab is open.
    void record(const View& view, Duration slow_call) { log_.update(view, slow_call); }
    void show(const Ui& ui);

private:
    void update(const Ui& ui);
    void show_row(const Ui& ui, std::size_t position);

    SlowLog log_;
    std::vector<SlowLog::Entry> rows_; ///< those that pass, the newest first; they stay under the cursor
    std::uint64_t version_ = 0;
    std::uint64_t filter_version_ = 0;
    Table table_;
};

} // namespace ioloop::imgui
