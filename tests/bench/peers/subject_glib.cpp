// SPDX-License-Identifier: MIT
/// GLib's main loop. Every post is a source, as g_idle_add() and g_main_context_invoke() make one.
#include "scenarios.hpp"

#include <chrono>
#include <utility>

#include <glib-unix.h>
#include <glib.h>

namespace bench::peers {

namespace {

/// What g_unix_fd_add() and g_timeout_add() are made of; but what it waits for can be changed, and deadlines are in
/// microseconds.
struct Source {
    GSource source;
    gpointer tag; ///< of the descriptor

    static Source* of(GSource* source) { return reinterpret_cast<Source*>(source); }
};

template <Work f> gboolean dispatch_and_keep(GSource*, GSourceFunc, gpointer argument) {
    f(argument);
    return G_SOURCE_CONTINUE;
}
template <Work f> gboolean dispatch_once(GSource*, GSourceFunc, gpointer argument) {
    f(argument);
    return G_SOURCE_REMOVE;
}

class Glib {
public:
    // It looks at every source in every turn.
    static constexpr std::size_t most_timers = 1000;
    static constexpr std::size_t most_descriptors = 1000;

    class Handle {
    public:
        Handle() = default;
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;
        ~Handle() { reset(); }

        void reset(GSource* source = nullptr) {
            if (source_ != nullptr) {
                g_source_destroy(source_);
                g_source_unref(source_);
            }
            source_ = source;
        }
        GSource* get() const { return source_; }

    private:
        GSource* source_ = nullptr;
    };
    using Io = Handle;
    using Timer = Handle;

    Glib() : context_(g_main_context_new()) { g_main_context_push_thread_default(context_); }
    Glib(const Glib&) = delete;
    Glib& operator=(const Glib&) = delete;
    ~Glib() {
        g_main_context_pop_thread_default(context_);
        g_main_context_unref(context_);
    }

    void step() { g_main_context_iteration(context_, FALSE); }
    void step_blocking() { g_main_context_iteration(context_, TRUE); }

    void post(Work work, void* argument) {
        struct Post {
            Work work;
            void* argument;
        };
        GSource* const source = g_idle_source_new();
        g_source_set_priority(source, G_PRIORITY_DEFAULT);
        g_source_set_callback(
            source,
            [](gpointer data) -> gboolean {
                const Post& post = *static_cast<Post*>(data);
                post.work(post.argument);
                return G_SOURCE_REMOVE;
            },
            new Post{work, argument}, [](gpointer data) { delete static_cast<Post*>(data); });
        g_source_attach(source, context_);
        g_source_unref(source);
    }
    void post_threadsafe(Work work, void* argument) { post(work, argument); }

    template <Work f> void add_io(Io& io, int fd, unsigned events, void* argument) {
        static GSourceFuncs functions{nullptr, nullptr, &dispatch_and_keep<f>, nullptr, nullptr, nullptr};
        GSource* const source = g_source_new(&functions, sizeof(Source));
        Source::of(source)->tag = g_source_add_unix_fd(source, fd, translated(events));
        g_source_set_callback(source, nullptr, argument, nullptr);
        g_source_attach(source, context_);
        io.reset(source);
    }
    template <Work f> void update_io(Io& io, unsigned events) {
        g_source_modify_unix_fd(io.get(), Source::of(io.get())->tag, translated(events));
    }
    void remove_io(Io& io) { io.reset(); }

    template <Work f> void arm(Timer& timer, Duration delay, void* argument) {
        static GSourceFuncs functions{nullptr, nullptr, &dispatch_once<f>, nullptr, nullptr, nullptr};
        GSource* const source = g_source_new(&functions, sizeof(Source));
        g_source_set_callback(source, nullptr, argument, nullptr);
        g_source_set_ready_time(source, base_ + microseconds(delay));
        g_source_attach(source, context_);
        timer.reset(source);
    }
    void cancel(Timer& timer) { timer.reset(); }
    void rearm(Timer& timer, Duration delay) {
        g_source_set_ready_time(timer.get(), base_ + microseconds(delay));
    }
    void read_clock() { base_ = g_get_monotonic_time(); }
    void take_time_of_turn() { read_clock(); }

private:
    static GIOCondition translated(unsigned events) {
        return static_cast<GIOCondition>(((events & readable) != 0 ? G_IO_IN : 0) |
                                         ((events & writable) != 0 ? G_IO_OUT : 0));
    }
    static gint64 microseconds(Duration delay) {
        return std::chrono::ceil<std::chrono::microseconds>(delay).count();
    }

    GMainContext* context_;
    gint64 base_ = 0;
};

} // namespace

void enrol_glib(Registry& registry) { enrol<Glib>({registry, "glib", Kind::peer}); }

} // namespace bench::peers
