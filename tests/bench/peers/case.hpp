// SPDX-License-Identifier: MIT
/// Case: one scenario, set up over one subject; and the registry of all of them.
#pragma once

#include "bench/samples.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench::peers {

/// What came of Case::run().
struct Done {
    std::uint64_t operations = 0;
    std::optional<Duration> took{};      ///< if it is not the whole of run() that counts
    const Samples* samples = nullptr;    ///< if every operation was timed on its own
    std::uint64_t allocations_aside = 0; ///< on other threads than the caller's
};

class Case {
public:
    Case() = default;
    Case(const Case&) = delete;
    Case& operator=(const Case&) = delete;
    virtual ~Case() = default;

    /// Does so many operations, or as many more as make a whole round. Errors: WrongResult.
    virtual Done run(std::uint64_t operations) = 0;
};

/// A subject that does not do the work must not win.
struct WrongResult : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void expect(std::uint64_t found, std::uint64_t expected, const char* what) {
    if (found == expected) return;
    throw WrongResult(std::string(what) + ": " + std::to_string(found) + " instead of " +
                      std::to_string(expected));
}

enum class Kind : std::uint8_t {
    own,     ///< this library, as its users run it
    variant, ///< this library in another configuration
    peer,    ///< a library, as its users run it: what "the best peer" is chosen from
    floor,   ///< the unavoidable work only, without a loop
};

struct Entry {
    std::string scenario; ///< with its parameters: "idle_pump K=1000 T=0"
    std::string subject;
    Kind kind = Kind::peer;
    std::uint64_t least = 1; ///< operations in one repetition
    std::function<std::unique_ptr<Case>()> make;
};

/// Scenarios in the order in which the first subject has them.
class Registry {
public:
    void add(Entry entry) { entries_.push_back(std::move(entry)); }
    const std::vector<Entry>& entries() const noexcept { return entries_; }

private:
    std::vector<Entry> entries_;
};

} // namespace bench::peers
