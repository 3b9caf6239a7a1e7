// SPDX-License-Identifier: MIT
/// Descriptors: the few that a random program plays with, counted from 0. On paper (paper_files.hpp), or sockets of the
/// operating system.
#pragma once

#include "support/os.hpp"

#include <ioloop/fd.hpp>

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

class Descriptors {
public:
    static constexpr unsigned count = 4;

    Descriptors() = default;
    Descriptors(const Descriptors&) = delete;
    Descriptors& operator=(const Descriptors&) = delete;
    virtual ~Descriptors() = default;

    virtual ioloop::Fd number(unsigned i) const = 0;
    virtual void send(unsigned i) = 0; ///< makes it readable
    virtual void drain(unsigned i) = 0;
    virtual void hang_up(unsigned i) = 0; ///< its peer is closed
    /// The number is closed. A duplicate may keep the file open.
    virtual void close(unsigned i, bool duplicated) = 0;
    virtual void reopen(unsigned i) = 0; ///< as the number of another file
    virtual void send_to_duplicate(unsigned i) = 0;
    virtual void close_duplicate(unsigned i) = 0;
};

#if !defined(_WIN32)

/// Sockets. Their numbers are high, so that nobody else gets one of them while it is closed.
class SocketDescriptors final : public Descriptors {
public:
    SocketDescriptors() : files_(count), duplicates_(count) {
        for (unsigned i = 0; i < count; ++i) open(i);
    }
    SocketDescriptors(const SocketDescriptors&) = delete;
    SocketDescriptors& operator=(const SocketDescriptors&) = delete;
    ~SocketDescriptors() override {
        for (const auto* files : {&files_, &duplicates_}) {
            for (const File& file : *files) {
                if (file.end >= 0) os::close(file.end);
                if (file.peer >= 0) os::close(file.peer);
            }
        }
    }

    ioloop::Fd number(unsigned i) const override { return first_number + static_cast<ioloop::Fd>(i); }
    void send(unsigned i) override { os::send(files_[i].peer, "x"); }
    void drain(unsigned i) override {
        char buffer[256];
        while (os::receive(files_[i].end, buffer, sizeof buffer) > 0) {}
    }
    void hang_up(unsigned i) override { os::close(std::exchange(files_[i].peer, ioloop::invalid_fd)); }
    void close(unsigned i, bool duplicated) override {
        File& file = files_[i];
        if (duplicated) {
            duplicates_[i] = {::fcntl(file.end, F_DUPFD_CLOEXEC, first_number + 100), file.peer};
        } else if (file.peer >= 0) {
            os::close(file.peer);
        }
        os::close(file.end);
        file = {};
    }
    void reopen(unsigned i) override { open(i); }
    void send_to_duplicate(unsigned i) override {
        if (duplicates_[i].peer >= 0) os::send(duplicates_[i].peer, "x");
    }
    void close_duplicate(unsigned i) override {
        if (duplicates_[i].peer >= 0) os::close(duplicates_[i].peer);
        os::close(duplicates_[i].end);
        duplicates_[i] = {};
    }

private:
    static constexpr ioloop::Fd first_number = 400;

    struct File {
        ioloop::Fd end = ioloop::invalid_fd;
        ioloop::Fd peer = ioloop::invalid_fd;
    };
    void open(unsigned i) {
        ioloop::Fd ends[2];
        os::connected_pair(ends);
        os::replace(number(i), ends[0]);
        os::close(ends[0]);
        files_[i] = {number(i), ends[1]};
    }

    std::vector<File> files_;      ///< by number
    std::vector<File> duplicates_; ///< what was closed there, and lives on
};

#endif
