// SPDX-License-Identifier: MIT
#include <ioloop/inspect/lint.hpp>

#include <array>

namespace ioloop {

const LintText& text_of(Lint lint) noexcept {
    static constexpr std::array<LintText, lint_count> texts{};
    return texts[static_cast<std::size_t>(lint)];
}

} // namespace ioloop
