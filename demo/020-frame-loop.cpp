// SPDX-License-Identifier: MIT
/// The loop in a program that has a main loop already: SDL's. Space asks a slow oracle, escape quits.
#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <cstdio>
#include <string>

#include <SDL.h>

using namespace std::chrono_literals;

int main(int, char**) {
    if (SDL_Init(SDL_INIT_VIDEO | SDL_INIT_EVENTS) != 0) {
        std::fprintf(stderr, "SDL: %s\n", SDL_GetError());
        return 1;
    }
    SDL_Window* window =
        SDL_CreateWindow("ioloop", SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED, 640, 360, 0);
    SDL_Surface* screen = window != nullptr ? SDL_GetWindowSurface(window) : nullptr;
    int answers = 0;
    {
        ioloop::IOLoop loop;
        ioloop::sdl2::Host host(loop);

        const auto ask = [&] {
            loop.call_later(
                100ms,
                [&] {
                    ++answers;
                    SDL_SetWindowTitle(window, ("answers: " + std::to_string(answers)).c_str());
                },
                "the oracle answers");
        };
        ioloop::PeriodicCallback curious(loop, 250ms, ask, "ask now and then");
        curious.start();

        bool playing = true;
        loop.call_later(
            1s, [&] { playing = false; }, "end of the example");

        ioloop::FramePacer pacer({.rate = 60});
        for (Uint8 shade = 0; playing; ++shade) {
            pacer.begin_frame();
            SDL_Event event;
            while (SDL_PollEvent(&event) != 0) {
                if (event.type == SDL_QUIT) playing = false;
                if (event.type != SDL_KEYDOWN) continue;
                if (event.key.keysym.sym == SDLK_ESCAPE) playing = false;
                if (event.key.keysym.sym == SDLK_SPACE) ask();
            }
            host.pump(pacer); // what came while the last frame was shown counts in this one
            if (screen != nullptr) {
                SDL_FillRect(screen, nullptr,
                             SDL_MapRGB(screen->format, 16, 24, static_cast<Uint8>(64 + shade / 4)));
                SDL_UpdateWindowSurface(window);
            }
            // Instead of SDL_Delay: what is due, or arrives, in the rest of the frame is served at once.
            host.pump_until(pacer);
        }
    } // the host goes before SDL does
    std::printf("%d answers\n", answers);
    if (window != nullptr) SDL_DestroyWindow(window);
    SDL_Quit();
    return answers > 0 ? 0 : 1;
}
