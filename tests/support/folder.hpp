// SPDX-License-Identifier: MIT
/// Folder: one for files of a test, which goes with it. POSIX.
#pragma once

#include "os.hpp"

#include <ioloop/net/socket_address.hpp>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

class Folder {
public:
    Folder() {
        std::string made = std::filesystem::temp_directory_path() / "ioloop.XXXXXX";
        if (::mkdtemp(made.data()) == nullptr) os::fail("mkdtemp");
        path = made;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    ioloop::SocketAddress socket(const char* name = "s") const {
        return ioloop::SocketAddress::unix_path((path / name).string());
    }
    std::filesystem::path path;
};
