// SPDX-License-Identifier: MIT
#include "process_usage.hpp"

#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace arena {

ProcessUsage ProcessUsage::now() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    ProcessUsage now;
    now.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    now.resident_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
    std::ifstream file("/proc/self/statm");
    std::uint64_t all = 0;
    std::uint64_t resident = 0;
    if (file >> all >> resident)
        now.resident_kib = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) / 1024;
    return now;
}

} // namespace arena
