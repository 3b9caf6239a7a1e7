// SPDX-License-Identifier: MIT
/// Trace: what a loop did last, saved at the end for a timeline viewer, if the command line asks for it.
#pragma once

#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>

#include <cstddef>
#include <fstream>
#include <string>

namespace arena {

class Trace {
public:
    /// How many calls it holds, and turns: ten minutes of a game, and 20 MB.
    static constexpr std::size_t calls = 100'000;

    /// An empty path: none is saved.
    /// Errors: std::runtime_error if the file cannot be written. Now, and not when the game is over.
    explicit Trace(const std::string& path);

    /// To be the loop's observer. Lifetime: longer than the loop's.
    ioloop::Recorder& recorder() noexcept { return recorder_; }

    /// False if it cannot be saved; a line on stderr says so.
    bool save(const ioloop::IOLoop& loop);

private:
    std::string path_;
    std::ofstream file_;
    ioloop::Recorder recorder_;
};

} // namespace arena
