// SPDX-License-Identifier: MIT
/// InspectedProgram: a loop with an InspectorServer, and viewers on a loop of their own; both on this thread, in turns.
#pragma once

#include "os.hpp"

#include <ioloop/inspect/inspector_server.hpp>
#include <ioloop/inspect/remote_source.hpp>
#include <ioloop/ioloop.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

/// A loop that no IOLoop::current() finds.
class ApartLoop : public ioloop::IOLoop {
public:
    explicit ApartLoop(const char* name) : IOLoop(options(name)) {}

private:
    static Options options(const char* name) {
        Options options;
        options.name = name;
        options.make_current = ioloop::MakeCurrent::never;
        return options;
    }
};

struct InspectedProgram : testing::Test {
    static constexpr const char* token = "correct horse";

    static ioloop::InspectorServer::Options server_options(std::string address = "127.0.0.1:0") {
        ioloop::InspectorServer::Options options;
        options.address = std::move(address);
        options.token = token;
        options.most_per_second = 1000; // a test waits for none
        return options;
    }
    static ioloop::InspectorServer::Options commanded() {
        auto options = server_options();
        options.allow_commands = true;
        return options;
    }

    void serve(ioloop::InspectorServer::Options options = server_options()) {
        server = std::make_unique<ioloop::InspectorServer>(program, std::move(options));
    }
    std::unique_ptr<ioloop::RemoteSource> view(const std::string& say = token) {
        ioloop::RemoteSource::Options options;
        options.address = server->address();
        options.token = say;
        options.retry_after = std::chrono::milliseconds(1);
        return std::make_unique<ioloop::RemoteSource>(viewers, options);
    }

    /// Runs both until `done`; false if that takes more than ten seconds.
    /// Gives up after a minute: that a machine is busy is no failure.
    bool run_until(const std::function<bool()>& done) {
        const auto end = ioloop::steady_clock().now() + std::chrono::minutes(1);
        while (!done()) {
            if (ioloop::steady_clock().now() > end) return false;
            step();
        }
        return true;
    }
    void step() {
        if (pumping) program.run_once(std::chrono::microseconds(200));
        viewers.run_once(std::chrono::microseconds(200));
        if (source) source->refresh(moment, seconds());
    }
    /// Connected, and with a first moment.
    bool attach() {
        source = view();
        return run_until([&] { return moment.snapshot.poller != ""; });
    }
    /// The next moments of the program.
    bool more(std::uint64_t count = 1) {
        const std::uint64_t before = source->moments();
        return run_until([&] { return source->moments() >= before + count; });
    }
    std::string ask(const ioloop::Command& command) {
        const std::uint64_t before = source->outcomes();
        const std::string said(source->request(command).view());
        if (said != "sent") return said;
        if (!run_until([&] { return source->outcomes() > before; })) return "nothing";
        return std::string(source->outcome().view());
    }
    static double seconds() {
        return std::chrono::duration<double>(ioloop::steady_clock().now().time_since_epoch()).count();
    }

    ApartLoop program{"program"};
    ApartLoop viewers{"viewers"};
    std::unique_ptr<ioloop::InspectorServer> server;
    std::unique_ptr<ioloop::RemoteSource> source;
    ioloop::Moment moment;
    bool pumping = true; ///< the program is
};
