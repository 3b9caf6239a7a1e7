// SPDX-License-Identifier: MIT
/// Inspector::Impl: puts the panels together, and runs the commands when they are drawn.
#pragma once

#include "model/baseline.hpp"
#include "model/filter.hpp"
#include "model/selection.hpp"
#include "model/view.hpp"
#include "panel/callbacks_table.hpp"
#include "panel/descriptors_table.hpp"
#include "panel/detail_pane.hpp"
#include "panel/health_page.hpp"
#include "panel/journal_table.hpp"
#include "panel/keyboard.hpp"
#include "panel/lints_table.hpp"
#include "panel/scopes_table.hpp"
#include "panel/sites_table.hpp"
#include "panel/slow_table.hpp"
#include "panel/tasks_table.hpp"
#include "panel/timeline.hpp"
#include "panel/timeouts_table.hpp"
#include "panel/toolbar.hpp"
#include "panel/turn_page.hpp"
#include "panel/ui.hpp"

#include <ioloop/imgui.hpp>
#include <ioloop/inspect/command.hpp>
#include <ioloop/inspect/local_source.hpp>
#include <ioloop/inspect/text.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace ioloop::imgui {

class Inspector::Impl {
public:
    Impl(IOLoop& loop, const Options& options);
    Impl(Source& source, const Options& options);
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl();

    /// A frame begins, shown or not.
    void begin_frame() { source_.begin_frame(); }
    /// Draws.
    void show();
    /// Does what was clicked. May destroy this object: to be called last.
    void act();
    bool acts() const { return destroyed_ != nullptr; } ///< act() is under way

    View& view() { return view_; }
    const Selection& selection() const { return selection_; }
    /// From now on, remembers where things are drawn; of the last frame.
    std::vector<Mark>& marks() {
        marking_ = true;
        return marks_;
    }

private:
    void show_tabs(const Ui& ui, bool room_for_all);
    void show_all(const Ui& ui);
    void show_last_line(const Ui& ui, const Text& rows);
    void obey(const Ui& ui, const Keys& keys);
    void copy(const Ui& ui, ToolbarResult::Copy what);

    std::unique_ptr<LocalSource> own_source_; ///< null: the caller's
    Source& source_;
    Options options_;

    View view_;
    Filter filter_;
    Baseline baseline_;
    Selection selection_;
    Command command_;
    Text outcome_; ///< what came of the last command
    double outcome_at_ = 0;
    bool* destroyed_ = nullptr; ///< set if a command destroys this object

    Toolbar toolbar_;
    std::string_view open_tab_; ///< to be opened; empty: stay

    Timeline timeline_;
    LintsTable lints_;
    SitesTable sites_;
    DescriptorsTable descriptors_;
    TimeoutsTable timeouts_;
    CallbacksTable callbacks_;
    ScopesTable scopes_;
    TasksTable tasks_;
    TurnPage turn_;
    SlowTable slow_;
    JournalTable journal_;
    HealthPage health_;
    DetailPane detail_;

    std::vector<Mark> marks_;
    bool marking_ = false;
    bool copying_ = false; ///< the next frame goes to the clipboard, too
};

} // namespace ioloop::imgui
