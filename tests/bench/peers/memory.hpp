// SPDX-License-Identifier: MIT
/// What the loop holds for each idle handler, timeout and queued callback.
#pragma once

#include <iosfwd>

namespace bench::peers {

void print_memory(std::ostream& out);

} // namespace bench::peers
