// SPDX-License-Identifier: MIT
/// OwnerDetail: who holds what, as links from the one to the other.
#pragma once

#include "ui.hpp"

namespace ioloop::imgui {

/// Of the selected scope and of the selected task.
void show_scope_detail(const Ui& ui);
void show_task_detail(const Ui& ui);

/// A link to the scope that it came through; nothing if there is none.
void show_scope_of(const Ui& ui, std::uint64_t scope);
/// Links to the tasks that wait for it.
void show_tasks_of(const Ui& ui, const HandlerInfo& info);
void show_tasks_of(const Ui& ui, const TimeoutInfo& info);

} // namespace ioloop::imgui
