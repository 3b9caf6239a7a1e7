// SPDX-License-Identifier: MIT
/// Object actions: what can be done to an object, in the menu of its row and in the detail pane alike.
#pragma once

#include "ui.hpp"

#include <ioloop/observer.hpp>
#include <ioloop/site.hpp>
#include <ioloop/snapshot.hpp>

#include <cstdint>

namespace ioloop::imgui {

enum class As : std::uint8_t { menu, buttons };

/// To pause the loop before the calls of this object, or of all that was registered at its place. What is set is
/// offered to be taken away. `id` is CallRecord::id.
void offer_breakpoints(const Ui& ui, As as, CallKind kind, std::uint64_t id, SiteId site);

/// To call a handler as if its descriptor were ready.
void offer_readiness(const Ui& ui, As as, const HandlerInfo& info);

} // namespace ioloop::imgui
