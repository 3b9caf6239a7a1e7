// SPDX-License-Identifier: MIT
/// InspectorServer::Impl. Two files: inspector_server.cpp, who is connected; inspector_service.cpp, what they are told.
/// Floor 3.
#pragma once

#include "message_link.hpp"
#include "moment_codec.hpp"
#include "os/socket_calls.hpp"

#include <ioloop/inspect/inspector_server.hpp>
#include <ioloop/poller.hpp>
#include <ioloop/poster.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace ioloop {

class InspectorServer::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(IOLoop& loop, Options&& options, Socket listener);

    /// Not in the constructor: callables refer to this weakly.
    void begin();
    void end();
    std::string address() const { return address_.to_string(); }
    Counts counts() const;

private:
    struct Viewer {
        std::uint64_t number = 0;
        MessageLink link;
        MomentEncoder encoder;
        bool greeted = false;
        bool leaving = false; ///< what is unsent is the last it hears
        bool wants_moment = false;
        TimePoint next_moment{};          ///< no sooner
        Duration pace{};                  ///< between two of them, as the last one took
        TimePoint cut_off_at{};           ///< unless it says hello, or takes something
        TimePoint window_begins{};        ///< of what it may say in a while
        int said = 0;                     ///< messages in it
        std::vector<std::uint64_t> asked; ///< handlers whose descriptors it wants to know
        TimePoint next_descriptors{};     ///< no sooner
        std::uint64_t lists = 0;          ///< the version it has
        TimePoint summaries_at{};         ///< when it was sent them
        Events watched = Events::read;
    };
    struct PendingCommand {
        std::uint64_t viewer;
        std::uint64_t number;
        Command command;
    };

    /// Pauses, suspensions and simulated clocks are the loop's; a viewer waits in the time of the world.
    static TimePoint now() { return steady_clock().now(); }
    /// When there is something to be made for it; not while it has not taken the last.
    static TimePoint due(const Viewer& viewer) {
        if (viewer.link.unsent() > 0) return never;
        const TimePoint moment = viewer.wants_moment ? viewer.next_moment : never;
        return viewer.asked.empty() ? moment : std::min(moment, viewer.next_descriptors);
    }
    bool usable() const { return !ended_ && !poster_.closed(); }

    // inspector_server.cpp
    void on_listener();
    void on_viewer(std::uint64_t number, Events events);
    void on_deadline();
    void admit(Socket socket);
    void refuse(Viewer& viewer, bool for_good, Text why);
    void cut_off(Viewer& viewer);
    void drop(std::uint64_t number);
    void serve(Viewer& viewer);
    void watch(Viewer& viewer);
    void arm();
    void attend(Duration timeout);
    void wait_in_pause(Duration timeout);
    void look_at_all(Duration timeout);
    Viewer* find(std::uint64_t number);

    // inspector_service.cpp
    bool hear(Viewer& viewer, const MessageLink::Frame& frame);
    bool hear_hello(Viewer& viewer, const MessageLink::Frame& frame);
    bool hear_describe(Viewer& viewer, const MessageLink::Frame& frame);
    bool hear_command(Viewer& viewer, const MessageLink::Frame& frame);
    void send_moment(Viewer& viewer);
    void send_descriptors(Viewer& viewer);
    Duration share_of(Duration took) const;
    void run_commands();
    Text run_command(const Command& command);
    Text step(const Command& command);
    void watch_all(bool on);
    void let_go();

    IOLoop& loop_;
    Poster poster_; ///< knows when the loop is closed
    Options options_;
    SocketAddress address_;
    Socket listener_;
    SocketFile file_;
    std::unique_ptr<LocalSource> source_;
    std::unique_ptr<Poller> poller_; ///< waits for viewers while the loop is paused
    std::vector<std::unique_ptr<Viewer>> viewers_;
    std::uint64_t last_viewer_ = 0;
    Timeout deadline_{};
    TimePoint listen_again_ = never; ///< out of descriptors: until then nobody is accepted
    bool ended_ = false;

    Moment moment_;
    std::uint64_t lists_ = 0; ///< version of its lists
    Snapshot fresh_;          ///< for describe
    std::vector<PendingCommand> pending_;
    bool paused_for_commands_ = false; ///< and for nothing else
    bool paused_by_viewer_ = false;
    std::vector<Breakpoint> breakpoints_; ///< that viewers have set
    std::uint64_t hits_before_ = 0;       ///< how often one was hit, when there was no viewer last
    Counts counts_;
};

} // namespace ioloop
