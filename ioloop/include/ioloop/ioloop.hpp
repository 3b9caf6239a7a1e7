// SPDX-License-Identifier: MIT
/// Everything of the core. Start reading at io_loop.hpp.
#pragma once

#include <ioloop/clock.hpp>
#include <ioloop/context.hpp>
#include <ioloop/events.hpp>
#include <ioloop/executor.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/frame_pacer.hpp>
#include <ioloop/function.hpp>
#include <ioloop/future.hpp>
#include <ioloop/guest.hpp>
#include <ioloop/ids.hpp>
#include <ioloop/inspect/descriptor.hpp>
#include <ioloop/inspect/recorder.hpp>
#include <ioloop/io_loop.hpp>
#include <ioloop/join.hpp>
#include <ioloop/observer.hpp>
#include <ioloop/origin.hpp>
#include <ioloop/outcome.hpp>
#include <ioloop/periodic_callback.hpp>
#include <ioloop/poller.hpp>
#include <ioloop/poster.hpp>
#include <ioloop/readiness.hpp>
#include <ioloop/run_sync.hpp>
#include <ioloop/scope.hpp>
#include <ioloop/service.hpp>
#include <ioloop/site.hpp>
#include <ioloop/sleep.hpp>
#include <ioloop/snapshot.hpp>
#include <ioloop/spawn.hpp>
#include <ioloop/stall.hpp>
#include <ioloop/statistics.hpp>
#include <ioloop/suspension.hpp>
#include <ioloop/task.hpp>
#include <ioloop/turn.hpp>
