// SPDX-License-Identifier: MIT
/// Source: where an inspector gets what it shows, and sends what it is asked to do. Floor 3.
///
/// A loop of this program (LocalSource), or of another one, through a connection (RemoteSource).
///
/// Thread: one, that of the user interface; of a LocalSource it is the loop's.
#pragma once

#include <ioloop/inspect/command.hpp>
#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/moment.hpp>
#include <ioloop/inspect/text.hpp>

#include <cstdint>

namespace ioloop {

class Source {
public:
    Source() = default;
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;
    virtual ~Source() = default;

    /// A frame of the user interface begins, whether anything is shown in it or not.
    virtual void begin_frame() = 0;

    /// Brings `moment` up to date; the numbers always, the lists as often as they may cost. `now` is the user
    /// interface's time, in seconds. True if the lists of the snapshot are new.
    virtual bool refresh(Moment& moment, double now) = 0;

    /// What the descriptor of a handler stands for, as known now. Null: not known yet; it is being asked for.
    /// `now` in seconds. Lifetime: until the next call.
    virtual const Descriptor* describe(std::uint64_t handler, Fd fd, double now) = 0;

    /// How many calls the loop has made: a view that is frozen says by how many it is behind.
    virtual std::uint64_t calls_run() const = 0;
    virtual bool paused() const = 0;

    /// Null if commands can be given now, else why not.
    virtual const char* refusal() const = 0;
    /// Does what is asked for, or sends it on; and says what came of that. It may call callables of the loop, and
    /// those destroy whatever they like: this source, and the inspector, may be gone when it returns.
    virtual Text request(const Command& command) = 0;
};

} // namespace ioloop
