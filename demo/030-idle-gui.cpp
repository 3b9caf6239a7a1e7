// SPDX-License-Identifier: MIT
/// A GUI that draws only when something has changed, and sleeps otherwise: until the user does something, a timeout of the
/// loop is due, or another thread has a result. Space starts a long computation.
#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <cstdio>
#include <string>

#include <SDL.h>

using namespace ioloop;
using namespace std::chrono_literals;

static double compute() { // on a thread of the loop's pool
    double sum = 0;
    for (int i = 1; i < 5'000'000; ++i) sum += 1.0 / (static_cast<double>(i) * i);
    return sum;
}

int main(int, char**) {
    if (SDL_Init(SDL_INIT_VIDEO | SDL_INIT_EVENTS) != 0) {
        std::fprintf(stderr, "SDL: %s\n", SDL_GetError());
        return 1;
    }
    SDL_Window* window =
        SDL_CreateWindow("idle", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, 480, 120, 0);
    int frames = 0;
    int results = 0;
    {
        IOLoop loop;
        sdl2::Host host(loop);
        bool open = true;
        std::string title = "idle";

        const auto start = [&]() -> Task<> {
            title = "the sum is " + std::to_string(co_await loop.run_in_executor(compute));
            host.request_frames();
            ++results;
        };
        loop.call_later(100ms, start, "as if somebody had pressed space");
        loop.call_later(
            3s,
            [&] {
                open = false;
                host.request_frames(); // wait_event() comes back
            },
            "end of the example");

        host.request_frames(); // the first
        while (open) {
            SDL_Event event;
            while (open && host.wait_event(&event)) { // instead of SDL_WaitEvent: the loop runs in here
                if (event.type == SDL_QUIT) open = false;
                if (event.type == SDL_WINDOWEVENT) host.request_frames();
                if (event.type == SDL_KEYDOWN && event.key.keysym.sym == SDLK_SPACE) spawn(loop, start);
            }
            while (host.take_frame()) {
                SDL_SetWindowTitle(window, title.c_str());
                if (SDL_Surface* screen = SDL_GetWindowSurface(window)) {
                    SDL_FillRect(screen, nullptr, SDL_MapRGB(screen->format, 24, 32, 64));
                    SDL_UpdateWindowSurface(window);
                }
                ++frames;
            }
        }
    } // the host goes before SDL does
    std::printf("%d frames in 3 seconds, %d results\n", frames, results);
    if (window != nullptr) SDL_DestroyWindow(window);
    SDL_Quit();
    return results > 0 && frames < 20 ? 0 : 1;
}
