// SPDX-License-Identifier: MIT
#include <ioloop/curl.hpp>

#include <string>

#include <curl/curl.h>

namespace ioloop::curl {
namespace {

class Category final : public std::error_category {
public:
    const char* name() const noexcept override { return "curl"; }
    std::string message(int code) const override { return ::curl_easy_strerror(static_cast<CURLcode>(code)); }
};

} // namespace

const std::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

} // namespace ioloop::curl
