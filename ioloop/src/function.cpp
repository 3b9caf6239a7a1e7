// SPDX-License-Identifier: MIT
#include "raise.hpp"

#include <ioloop/function.hpp>

namespace ioloop::detail {

void refuse_null(const char* what, const Origin& origin) {
    std::string text = what;
    if (*origin.file != '\0') text.append(", ").append(describe(origin));
    raise(std::invalid_argument(text));
}

} // namespace ioloop::detail
