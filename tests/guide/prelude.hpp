// SPDX-License-Identifier: MIT
/// What the fragments of the guide, README.md and SECURITY.md lean on: names that speak for themselves there. Nothing is
/// defined: they are compiled, and not linked.
#pragma once

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <poll.h>
#include <unistd.h>

#if __has_include(<ioloop/sdl2.hpp>) // and so on: those that test_guide is linked with
#include <ioloop/sdl2.hpp>

#include <SDL.h>
#endif
#if __has_include(<ioloop/imgui.hpp>)
#include <ioloop/imgui.hpp>

#include <imgui.h>
#endif
#if __has_include(<ioloop/curl.hpp>)
#include <ioloop/curl.hpp>
#endif
#if __has_include(<ioloop/enet.hpp>)
#include <ioloop/enet.hpp>
#endif
#if __has_include(<ioloop/cares.hpp>)
#include <ioloop/cares.hpp>
#endif

namespace guide {

using namespace ioloop;
using namespace std::chrono_literals;

extern IOLoop loop;
extern Fd fd;
extern bool open;
extern bool playing;
extern std::string secret;

// ---- the program around the loop ----------------------------------------------------------------

void draw();
void update();
void quit();
void say(std::string_view line);
void note_a_busy_frame();
void handle_signal(int signal);
void toolkit_post(Function<void()> call); ///< of a toolkit
void start_thread(Function<void()> work);

#if __has_include(<ioloop/sdl2.hpp>)
extern SDL_Window* window;
extern SDL_Event event;
extern sdl2::Host host;
void handle(const SDL_Event& event);
#endif
#if __has_include(<ioloop/imgui.hpp>)
extern imgui::Inspector inspector;
#endif

// ---- what it does with the network --------------------------------------------------------------

void receive();
struct Received { ///< false: that was the end
    explicit operator bool() const;
    operator std::string() const;
};
Received receive(Fd fd);
void close_session(Fd fd);
int player_count();
void welcome(TcpStream stream);
void give_up();
void send_ping();

// ---- what it plays ------------------------------------------------------------------------------

struct Player {
    std::string name;
};

class LogPrefix {
public:
    explicit LogPrefix(const std::string& name);
};

struct Image {};
struct Portrait {
    void show(const Image& image);
};
struct Level {};

Image decode();
Level load(const std::string& name);
void load(const std::shared_ptr<Player>& player);
bool kick(const std::shared_ptr<Player>& player);
void enter(Level level);
void show(int answer);
void show(const std::string& text);
void show(Level level);
Task<> greet(std::shared_ptr<Player> player);
Task<std::string> ask_name();

struct JobSystem {
    void push(Function<void()> job);
};
extern JobSystem engine;

} // namespace guide
