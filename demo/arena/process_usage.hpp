// SPDX-License-Identifier: MIT
/// ProcessUsage: what this process has cost so far. A value.
#pragma once

#include <cstdint>

namespace arena {

struct ProcessUsage {
    double cpu_seconds = 0;         ///< of all its threads, in the system too
    std::uint64_t resident_kib = 0; ///< memory that it has now; where that is not told, the most that it had

    static ProcessUsage now();
};

} // namespace arena
