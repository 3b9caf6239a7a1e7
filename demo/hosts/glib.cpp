// SPDX-License-Identifier: MIT
/// Our loop in GLib's, and so in GTK's: a GSource with the loop's handle and deadline.
#include "visit.hpp"

#include <glib.h>

using namespace ioloop;
using namespace std::chrono;

static IOLoop ours;

/// Just before each wait: whoever armed a timeout since the last one, it counts.
static gboolean prepare(GSource*, gint* timeout) {
    const auto wait = ceil<milliseconds>(ours.time_to_deadline());
    *timeout = static_cast<gint>(MIN(wait.count(), G_MAXINT));
    return *timeout == 0; // GLib looks at the handle itself
}

static gboolean dispatch(GSource*, GSourceFunc, gpointer) {
    ours.run_once(no_wait, Budget{2ms});
    return G_SOURCE_CONTINUE;
}

static gboolean on_tick(gpointer visit) { return static_cast<Visit*>(visit)->tick(); }

int main() {
    GMainLoop* const host = g_main_loop_new(nullptr, FALSE);
    Visit visit(ours, [&] { g_main_loop_quit(host); });
    GSourceFuncs functions{prepare, nullptr, dispatch, nullptr, nullptr, nullptr};
    GSource* const source = g_source_new(&functions, sizeof(GSource));
    g_source_add_unix_fd(source, ours.native_handle(), G_IO_IN);
    g_source_attach(source, nullptr);
    g_timeout_add(Visit::period.count(), on_tick, &visit);
    g_main_loop_run(host);
    g_source_destroy(source);
    g_source_unref(source);
    g_main_loop_unref(host);
    return visit.result();
}
