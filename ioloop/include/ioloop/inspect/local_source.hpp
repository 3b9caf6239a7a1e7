// SPDX-License-Identifier: MIT
/// LocalSource: a loop of this program, for an inspector. Floor 3.
///
/// From the moment it is made it remembers what runs, so that a window that is opened after the fact has the
/// fact in it.
///
/// Thread: the loop's, for every member.
#pragma once

#include <ioloop/inspect/kernel_set.hpp>
#include <ioloop/inspect/linter.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/inspect/source.hpp>
#include <ioloop/io_loop.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace ioloop {

class LocalSource final : public Source {
public:
    struct Options {
        /// Where calls and turns are remembered. Null: in a recorder of its own.
        /// Lifetime: longer than this.
        Recorder* recorder = nullptr;
        Linter::Options lints = {};
        std::size_t calls = 1024; ///< how many of the last ones to show
        std::size_t turns = 512;
    };

    /// Its recorder becomes the loop's observer, unless there is one: that one stays, and there is no history.
    /// Lifetime: `loop` outlives this.
    explicit LocalSource(IOLoop& loop);
    LocalSource(IOLoop& loop, const Options& options);
    /// Leaves the loop without an observer again. A loop that was paused stays paused.
    ~LocalSource() override;

    void begin_frame() override;
    bool refresh(Moment& moment, double now) override;
    const Descriptor* describe(std::uint64_t handler, Fd fd, double now) override;
    std::uint64_t calls_run() const override { return loop_.statistics().calls_run(); }
    bool paused() const override { return loop_.paused(); }
    const char* refusal() const override;
    Text request(const Command& command) override;

    Recorder& recorder() noexcept { return recorder_; }
    Linter& linter() noexcept { return linter_; }

private:
    void observe();
    bool observing() const { return loop_.observer() == &recorder_; }
    void compare_with_kernel(const Snapshot& snapshot);
    void copy_truth(Moment& moment) const;
    void copy_history(Moment& moment);
    void copy_summaries(Moment& moment);

    IOLoop& loop_;
    Options options_;
    std::unique_ptr<Recorder> own_recorder_; ///< null: the program's
    Recorder& recorder_;
    Linter linter_;
    /// What the kernel was found to watch, when it was asked.
    struct KnownTruth {
        std::uint64_t handler = 0;
        KernelTruth truth = KernelTruth::unknown;
    };

    KernelSet kernel_;
    std::vector<RegisteredFile> files_; ///< for it
    std::vector<KnownTruth> truth_;     ///< by handler
    Snapshot fresh_;                    ///< for commands
    Descriptor described_;
    bool installed_ = false;    ///< the recorder was made the loop's observer by this
    bool closed_ = false;       ///< as of the last snapshot
    double taken_at_ = -1;      ///< the lists of the snapshot
    double summarized_at_ = -1; ///< profiles, health, findings
    double compared_at_ = -1;   ///< with the kernel
    TimePoint found_since_{};   ///< the newest finding that breakpoints were told of
};

} // namespace ioloop
