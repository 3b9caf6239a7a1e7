// SPDX-License-Identifier: MIT
/// What the suites of the poller contract have in common: one fixture for all pollers, one for those that watch
/// descriptors.
#pragma once

#include "support/socket_pair.hpp"

#include <ioloop/poller.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using Ready = ioloop::Poller::Ready;

/// Waits again if it was interrupted: by what a ring leaves behind that an earlier test closed, say.
inline std::vector<Ready> wait(ioloop::Poller& poller, ioloop::Duration timeout = ioloop::no_wait,
                               std::size_t room = 16) {
    std::vector<Ready> ready(room);
    std::size_t count = 0;
    std::error_code error;
    do {
        error = poller.wait(ready, timeout, count);
    } while (error == std::errc::interrupted);
    EXPECT_FALSE(error) << error.message();
    ready.resize(count);
    return ready;
}

/// Its events, if it is the only one that is ready; else none.
inline ioloop::Events only(const std::vector<Ready>& ready, ioloop::Poller::Key key) {
    return ready.size() == 1 && ready[0].key == key ? ready[0].events : ioloop::Events::none;
}

inline std::vector<ioloop::PollerKind> pollers_with_descriptors() {
    std::vector<ioloop::PollerKind> kinds;
    for (const ioloop::PollerKind kind : ioloop::available_pollers()) {
        if (kind != ioloop::PollerKind::null) kinds.push_back(kind);
    }
    return kinds;
}

inline std::string poller_title(const testing::TestParamInfo<ioloop::PollerKind>& info) {
    return std::string(ioloop::name_of(info.param));
}

/// What holds for all of them, null included: time and wake().
class PollerTime : public testing::TestWithParam<ioloop::PollerKind> {
protected:
    std::unique_ptr<ioloop::Poller> poller = ioloop::make_poller(GetParam());
};

/// What holds for those that watch descriptors.
class PollerContract : public testing::TestWithParam<ioloop::PollerKind> {
protected:
    std::unique_ptr<ioloop::Poller> poller = ioloop::make_poller(GetParam());
    SocketPair pair;
};
