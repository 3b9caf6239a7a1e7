// SPDX-License-Identifier: MIT
/// Http: the fixture of what is tested about ioloop::curl, over the operating system. What a test leaves behind in the
/// loop, or open, is a failure.
#pragma once

#include "support/folder.hpp"
#include "support/os.hpp"

#include <ioloop/curl.hpp>
#include <ioloop/ioloop.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <gmock/gmock.h>

struct Http : testing::Test {
    using Response = ioloop::curl::Response;

    void SetUp() override {
        before_ = os::open_descriptors();
        make_client({});
    }
    void make_client(ioloop::curl::HttpClient::Options options) {
        client = std::make_unique<ioloop::curl::HttpClient>(loop, std::move(options));
    }
    void TearDown() override {
        run_until([&] { return client == nullptr || client->transfers() == 0; });
        client.reset();
        EXPECT_EQ(loop.statistics().handlers, 0U);
        EXPECT_EQ(loop.statistics().timeouts, 0U);
        EXPECT_EQ(os::open_descriptors(), before_);
        EXPECT_THAT(names_in(folder.path), testing::Not(testing::Contains(testing::HasSubstr(".part"))));
    }

    /// Until it is true; a defect ends it, rather than hang.
    void run_until(const std::function<bool()>& happened) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!happened() && std::chrono::steady_clock::now() < end)
            loop.run_once(std::chrono::milliseconds(10));
        EXPECT_TRUE(happened());
    }
    Response answer(const ioloop::Future<Response>& future) {
        const auto told = std::make_shared<bool>(false); // as whoever waits is: after all progress
        loop.add_future(future, [told](const ioloop::Future<Response>&) { *told = true; });
        run_until([&] { return *told; });
        return future.result();
    }
    /// The error that it comes to; none for an answer.
    std::error_code failure(const ioloop::Future<Response>& future) {
        try {
            answer(future);
        } catch (const std::system_error& error) {
            what = error.what();
            return error.code();
        }
        return {};
    }
    static std::error_code curl_error(CURLcode code) { return {code, ioloop::curl::error_category()}; }

    std::string file(const std::string& name) const { return (folder.path / name).string(); }
    static void write(const std::string& path, const std::string& content) {
        std::ofstream(path, std::ios::binary) << content;
    }
    static std::set<std::string> names_in(const std::filesystem::path& path) {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path))
            names.insert(entry.path().filename().string());
        return names;
    }
    /// Bytes that are not all alike.
    static std::string noise(std::size_t size) {
        std::string text(size, '\0');
        std::uint32_t state = 1;
        for (char& c : text) {
            state = state * 1664525U + 1013904223U;
            c = static_cast<char>(state >> 24U);
        }
        return text;
    }

    Folder folder;
    ioloop::IOLoop loop;
    std::unique_ptr<ioloop::curl::HttpClient> client;
    std::string what; ///< of the last failure()

private:
    std::set<ioloop::Fd> before_;
};
