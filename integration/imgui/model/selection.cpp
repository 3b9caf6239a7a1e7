// SPDX-License-Identifier: MIT
#include "selection.hpp"

namespace ioloop::imgui {

void Selection::select(const Subject& subject, const Moment& moment) {
    const auto select_one = [&](const auto& infos) {
        const auto found = std::find_if(infos.begin(), infos.end(), [&](const auto& info) {
            return subject_of(info).site.kind == subject.site.kind && subject_of(info).id == subject.id;
        });
        if (found == infos.end()) return false;
        select(*found);
        return true;
    };
    if (!subject.all_of_site) {
        const Snapshot& snapshot = moment.snapshot;
        if (select_one(snapshot.handlers) || select_one(snapshot.timeouts) || select_one(snapshot.callbacks))
            return;
        for (auto last = moment.calls.rbegin(); last != moment.calls.rend(); ++last) {
            if (last->kind == subject.site.kind && last->id == subject.id) return select(*last);
        }
    }
    if (subject.site.site != SiteId::none) select(subject.site);
}

} // namespace ioloop::imgui
