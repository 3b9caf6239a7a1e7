// SPDX-License-Identifier: MIT
#include "site_detail.hpp"

#include <ioloop/inspect/format.hpp>
#include <ioloop/inspect/site_profile.hpp>

#include <algorithm>

namespace ioloop::imgui {
namespace {

/// "p50 1.00 ms, p99 3.00 ms, at most 4.00 ms"
Text format_spread(const Histogram& histogram) {
    Text text("p50 ");
    return text.add(format_duration(histogram.percentile(0.5)).view())
        .add(", p99 ")
        .add(format_duration(histogram.percentile(0.99)).view())
        .add(", at most ")
        .add(format_duration(histogram.longest()).view());
}

void show_profile(const SiteProfile& profile) {
    put_fact("calls", format_count(profile.calls)
                          .add(", the last in turn ")
                          .add(profile.last_turn)
                          .add("; ")
                          .add(format_count(profile.threw).view())
                          .add(" threw"));
    put_fact("took", format_duration(profile.busy).add(" in all; ").add(format_spread(profile.took).view()));
    if (profile.kind != CallKind::handler) put_fact("waited", format_spread(profile.late));
    if (profile.kind != CallKind::callback) {
        put_fact("objects", format_count(profile.added)
                                .add(" added, ")
                                .add(format_count(profile.moved).view())
                                .add(" moved, ")
                                .add(format_count(profile.removed).view())
                                .add(" removed"));
    }
    if (profile.self_streak > 1) {
        put_fact("by itself", Text("in ").add(profile.self_streak).add(" turns in a row"));
    }
}

} // namespace

void show_site_detail(const Ui& ui) {
    const SiteKey key = ui.selection.site;
    const Origin& origin = origin_of(key.site);
    put_text(Text(name_of(key.kind)).add("s of ").add(format_name(origin).view()));
    const auto& profiles = ui.view.moment().profiles;
    const auto profile = std::find_if(profiles.begin(), profiles.end(), [&](const SiteProfile& candidate) {
        return candidate.site == key.site && candidate.kind == key.kind;
    });
    if (profile != profiles.end()) {
        show_profile(*profile);
    } else {
        put_fact("calls", "none was recorded");
    }
    put_fact("place", format_place(origin).add(format_function(origin).view()));
    if (ImGui::SmallButton("Copy place")) {
        ImGui::SetClipboardText(Text(origin.file).add(":").add(origin.line).c_str());
    }
    ui.mark("site/copy");
    explain(ui, origin.file);
}

} // namespace ioloop::imgui
