// SPDX-License-Identifier: MIT
/// Which lint hides which: a cause hides its symptoms, so that one bug is one finding. Floor 3.
#pragma once

#include <ioloop/inspect/lint.hpp>

#include <cstdint>

namespace ioloop {

/// True if `symptom` is not to be shown beside `cause`.
bool hides(const Finding& cause, const Finding& symptom) noexcept;

} // namespace ioloop
