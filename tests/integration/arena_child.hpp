// SPDX-License-Identifier: MIT
/// Child: a program that a test has started, what it says, and its end.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

class Child {
public:
    explicit Child(std::vector<std::string> command) {
        std::vector<char*> arguments;
        for (std::string& word : command) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        int out[2];
        int err[2];
        if (::pipe(out) != 0 || ::pipe(err) != 0) throw std::runtime_error("pipe");
        for (const int fd : {out[0], out[1], err[0], err[1]}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(out[1], 1);
            ::dup2(err[1], 2);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(out[1]);
        ::close(err[1]);
        pipes_ = {pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        for (const pollfd& pipe : pipes_) {
            if (pipe.fd >= 0) ::close(pipe.fd);
        }
    }

    pid_t pid() const { return pid_; }
    void signal(int number) const { ::kill(pid_, number); }

    /// Until it has said `text`, on stdout or stderr, since this was last asked; false if it ends before.
    bool says(const std::string& text) {
        const auto found = [&] {
            for (std::size_t i = 0; i < 2; ++i) {
                const auto at = said_[i].find(text, heard_[i]);
                if (at == std::string::npos) continue;
                heard_[i] = at + text.size();
                return true;
            }
            return false;
        };
        while (!found()) {
            if (!listen()) return found();
        }
        return true;
    }

    /// Its exit code, or minus the signal that killed it.
    int wait() {
        while (listen()) {}
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    const std::string& out() const { return said_[0]; }
    const std::string& err() const { return said_[1]; }

private:
    /// Reads what there is. False at the end, or after a minute in which nothing was said.
    bool listen() {
        if (pipes_[0].fd < 0 && pipes_[1].fd < 0) return false;
        if (::poll(pipes_.data(), pipes_.size(), 60'000) <= 0) return false;
        for (std::size_t i = 0; i < 2; ++i) {
            if (pipes_[i].fd < 0 || pipes_[i].revents == 0) continue;
            char chunk[4096];
            const auto size = ::read(pipes_[i].fd, chunk, sizeof chunk);
            if (size > 0) {
                said_[i].append(chunk, static_cast<std::size_t>(size));
            } else {
                ::close(std::exchange(pipes_[i].fd, -1));
            }
        }
        return true;
    }

    pid_t pid_ = -1;
    std::array<pollfd, 2> pipes_{};
    std::array<std::string, 2> said_;
    std::array<std::size_t, 2> heard_{};
};
