// SPDX-License-Identifier: MIT
/// A process that has used up its descriptors.
#pragma once

#include "support/os.hpp"

#include <vector>

#include <sys/resource.h>
#include <unistd.h>

/// Takes every descriptor that the process may have but so many. What is to happen meanwhile has to have happened
/// once before, and no matchers of gmock: the undefined-behaviour sanitizer needs a pipe to look into the first object of each class.
class NoDescriptors {
public:
    explicit NoDescriptors(int left) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        const auto open = os::open_descriptors();
        auto now = before_;
        now.rlim_cur = static_cast<rlim_t>(*open.rbegin() + 1);
        ::setrlimit(RLIMIT_NOFILE, &now);
        for (int fd = 0; (fd = ::dup(2)) >= 0;) taken_.push_back(fd);
        for (; left > 0 && !taken_.empty(); --left) give_one();
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() {
        while (!taken_.empty()) give_one();
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }
    void give_one() {
        ::close(taken_.back());
        taken_.pop_back();
    }

private:
    rlimit before_{};
    std::vector<int> taken_;
};
