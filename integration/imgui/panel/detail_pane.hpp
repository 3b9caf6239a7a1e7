// SPDX-License-Identifier: MIT
/// DetailPane: all that is known of the selection, and what can be done to it.
#pragma once

#include "../model/descriptor_cache.hpp"
#include "ui.hpp"

namespace ioloop::imgui {

class DetailPane {
public:
    void show(const Ui& ui, DescriptorCache& cache);

private:
    void show_handler(const Ui& ui, DescriptorCache& cache);
    void show_timeout(const Ui& ui);
    void show_queued(const Ui& ui);
    void show_call(const Ui& ui);
    void show_turn(const Ui& ui);

    bool confirming_ = false; ///< «Remove» was clicked once
};

} // namespace ioloop::imgui
