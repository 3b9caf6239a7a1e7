// SPDX-License-Identifier: MIT
/// ServerProgram: Arena's server as a process of its own, and what it takes, as Linux tells it.
#pragma once

#include "integration/arena_child.hpp"

#include <ioloop/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace bench {

class ServerProgram {
public:
    struct Reading {
        ioloop::TimePoint at;
        double cpu_seconds;
        std::size_t kibibytes; ///< resident
        std::size_t descriptors;
    };

    ServerProgram(const std::string& program, std::vector<std::string> arguments)
        : child_(with(program, std::move(arguments))) {
        if (!child_.says("\"port\":")) throw std::runtime_error("the server did not start: " + child_.err());
        while (child_.out().find('\n') == std::string::npos) {
            if (!child_.says("\n")) throw std::runtime_error("the server has no port: " + child_.out());
        }
        port_ =
            static_cast<std::uint16_t>(std::atoi(child_.out().c_str() + child_.out().find("\"port\":") + 7));
        ::prlimit(child_.pid(), RLIMIT_NOFILE, nullptr, &limit_);
    }

    std::uint16_t port() const { return port_; }

    Reading read() const {
        const std::filesystem::path folder = "/proc/" + std::to_string(child_.pid());
        Reading reading{ioloop::steady_clock().now(), 0, 0, 0};
        std::ifstream stat(folder / "stat");
        std::string field; // proc_pid_stat(5): 14 is utime, 15 stime; the name, 2, has no spaces here
        for (int i = 1; i <= 15 && stat >> field; ++i) {
            if (i >= 14)
                reading.cpu_seconds += std::stod(field) / static_cast<double>(::sysconf(_SC_CLK_TCK));
        }
        std::ifstream statm(folder / "statm"); // the second is resident, in pages
        std::size_t pages = 0;
        statm >> pages >> pages;
        reading.kibibytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
        for ([[maybe_unused]] const auto& descriptor : std::filesystem::directory_iterator(folder / "fd"))
            ++reading.descriptors;
        return reading;
    }

    std::size_t most_descriptors() const { return limit_.rlim_cur; }
    /// From now on it gets no more than so many.
    void limit_descriptors(std::size_t count) const {
        const rlimit limit{count, limit_.rlim_max};
        ::prlimit(child_.pid(), RLIMIT_NOFILE, &limit, nullptr);
    }

private:
    static std::vector<std::string> with(const std::string& program, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), program);
        return arguments;
    }

    Child child_;
    std::uint16_t port_ = 0;
    rlimit limit_{};
};

} // namespace bench
