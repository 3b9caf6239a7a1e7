// SPDX-License-Identifier: MIT
/// FakeSource: an inspector's source that shows whatever a test puts into `moment`, and notes what is asked of it.
#pragma once

#include <ioloop/inspect/source.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

class FakeSource final : public ioloop::Source {
public:
    ioloop::Moment moment;
    std::vector<ioloop::Command> requests;

    FakeSource() {
        moment.observing = true;
        moment.recording = true;
        moment.snapshot.name = "fake";
        moment.snapshot.poller = "fake";
        moment.snapshot.time = ioloop::TimePoint(std::chrono::seconds(1000));
    }

    void begin_frame() override {}
    bool refresh(ioloop::Moment& shown, double) override {
        shown = moment;
        return true;
    }
    const ioloop::Descriptor* describe(std::uint64_t, ioloop::Fd, double) override { return nullptr; }
    std::uint64_t calls_run() const override { return moment.snapshot.statistics.calls_run(); }
    bool paused() const override { return moment.snapshot.paused; }
    const char* refusal() const override { return nullptr; }
    ioloop::Text request(const ioloop::Command& command) override {
        requests.push_back(command);
        return "done";
    }
};
