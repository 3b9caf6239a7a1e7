// SPDX-License-Identifier: MIT
#include "part_file.hpp"

#include <cerrno>
#include <filesystem>
#include <utility>

namespace ioloop::curl {
namespace {

constexpr std::size_t written_at_once = std::size_t{64} << 10U; ///< bytes that the system is given at once

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

} // namespace

void PartFile::open(const std::string& path, std::error_code& error) {
    path_ = path;
    for (int number = 0;; ++number) {
        part_ = path + "." + std::to_string(number) + ".part";
        file_ = std::fopen(part_.c_str(), "wbxe"); // x: new; e: not for children
        if (file_ != nullptr || errno != EEXIST) break;
    }
    if (file_ == nullptr) {
        error = last_error();
        return;
    }
    std::setvbuf(file_, nullptr, _IOFBF, written_at_once);
}

void PartFile::write(const char* data, std::size_t size, std::error_code& error) noexcept {
    if (std::fwrite(data, 1, size, file_) != size) error = last_error();
}

void PartFile::commit(std::error_code& error) noexcept {
    error.clear();
    // What is buffered still may not fit.
    if (std::fclose(std::exchange(file_, nullptr)) != 0) error = last_error();
    if (!error) std::filesystem::rename(part_, path_, error);
    if (error) std::remove(part_.c_str());
}

void PartFile::discard() noexcept {
    if (file_ == nullptr) return;
    std::fclose(std::exchange(file_, nullptr));
    std::remove(part_.c_str());
}

} // namespace ioloop::curl
