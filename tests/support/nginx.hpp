// SPDX-License-Identifier: MIT
/// Nginx: a real HTTP server on loopback, with folder, configuration and port of its own. It ends with this.
#pragma once

#include "integration/arena_child.hpp"
#include "support/folder.hpp"

#include <ioloop/net/socket.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

class Nginx {
public:
    Nginx() {
        std::filesystem::create_directories(www() / "put");
        for (int attempt = 0; attempt < 5; ++attempt) {
            // Free a moment ago; if somebody else has it by then, it is another one.
            port_ = ioloop::Socket::listen(ioloop::SocketAddress::loopback(0)).local().port();
            write_configuration();
            process_.emplace(std::vector<std::string>{IOLOOP_NGINX, "-p", path().string(), "-c", "nginx.conf",
                                                      "-e", "error.log"});
            if (listens()) return;
        }
        throw std::runtime_error("nginx does not start: " + text_of(path() / "error.log"));
    }

    std::string url(const std::string& file) const {
        return "http://127.0.0.1:" + std::to_string(port_) + file;
    }
    std::filesystem::path path() const { return folder_.path; }
    std::filesystem::path www() const { return path() / "www"; }
    void serve(const std::string& file, const std::string& content) const {
        std::ofstream(www() / file, std::ios::binary) << content;
    }

    struct Line {
        std::string method;
        std::string uri;
        int status = 0;
        long connection = 0;
        int requests = 0; ///< of that connection, this one included
    };
    /// What it says of the requests so far, once it has said as much as `count`: it does so when it has answered.
    std::vector<Line> access_log(std::size_t count) const {
        std::vector<Line> lines;
        for (int wait = 0; wait < 500 && lines.size() < count; ++wait) {
            if (wait > 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
            lines.clear();
            std::ifstream log(path() / "access.log");
            Line line;
            while (log >> line.method >> line.uri >> line.status >> line.connection >> line.requests)
                lines.push_back(line);
        }
        return lines;
    }
    std::set<long> connections(std::size_t requests) const {
        std::set<long> all;
        for (const Line& line : access_log(requests)) all.insert(line.connection);
        return all;
    }

    static std::string text_of(const std::filesystem::path& file) {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        return text.str();
    }

private:
    void write_configuration() const {
        std::ofstream(path() / "nginx.conf") << R"(
            daemon off; # one process, whose end is its end
            master_process off;
            pid nginx.pid;
            error_log error.log;
            events { worker_connections 1024; }
            http {
                log_format connections "$request_method $uri $status $connection $connection_requests";
                access_log access.log connections;
                client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                client_max_body_size 64m;
                keepalive_requests 10000;
                root www;
                server {
                    listen 127.0.0.1:)" << port_
                                             << R"(;
                    location /put/ { dav_methods PUT; }
                    location = /moved { return 302 /hello.txt; }
                    location = /around { return 302 /around; }
                    location = /elsewhere { return 302 file:///etc/hostname; }
                    location = /echo-method { return 200 "$request_method $content_type $content_length"; }
                    location = /slow { limit_rate 4k; }
                }
            }
        )";
    }
    /// It writes its number when it has bound its port. It tries that for two seconds and a half.
    bool listens() const {
        for (int wait = 0; wait < 400; ++wait) {
            if (std::filesystem::exists(path() / "nginx.pid")) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }

    Folder folder_;
    std::uint16_t port_ = 0;
    std::optional<Child> process_;
};
