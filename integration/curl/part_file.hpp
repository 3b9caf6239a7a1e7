// SPDX-License-Identifier: MIT
/// PartFile: a file that appears under its name when it is complete, or not at all.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <system_error>

namespace ioloop::curl {

class PartFile {
public:
    PartFile() = default;
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;
    ~PartFile() { discard(); }

    /// Creates `path`.<number>.part, with the first number that is free.
    void open(const std::string& path, std::error_code& error);
    bool is_open() const noexcept { return file_ != nullptr; }
    void write(const char* data, std::size_t size, std::error_code& error) noexcept;
    /// Gives it its name. On an error it is removed.
    void commit(std::error_code& error) noexcept;
    void discard() noexcept;

private:
    std::FILE* file_ = nullptr;
    std::string path_;
    std::string part_;
};

} // namespace ioloop::curl
