// SPDX-License-Identifier: MIT
/// A GUI that draws only when something has changed, and sleeps in SDL_WaitEventTimeout() otherwise: until the user does
/// something, a timeout of the loop is due, or another thread has a result. Space starts a long computation.
#include <ioloop/ioloop.hpp>
#include <ioloop/sdl2.hpp>

#include <algorithm>
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
    const Uint32 wake_event = SDL_RegisterEvents(1);
    int frames = 0;
    int results = 0;
    {
        IOLoop loop;
        sdl2::Host host(loop);
        bool open = true;
        bool changed = true; // draw the first frame
        std::string title = "idle";

        // Another thread has posted: end SDL's sleep. (SDL_PushEvent would call the program's event watches on that thread.)
        loop.set_host_waker([wake_event] {
            SDL_Event event{};
            event.type = wake_event;
            SDL_PeepEvents(&event, 1, SDL_ADDEVENT, 0, 0);
        });
        const auto start = [&]() -> Task<> {
            title = "the sum is " + std::to_string(co_await loop.run_in_executor(compute));
            changed = true;
            ++results;
        };
        loop.call_later(100ms, start, "as if somebody had pressed space");
        loop.call_later(
            3s, [&] { open = false; }, "end of the example");

        while (open) {
            SDL_Event event;
            const auto sleep =
                std::chrono::ceil<std::chrono::milliseconds>(until(loop.next_deadline(), loop.time()));
            const int timeout = static_cast<int>(std::clamp<std::int64_t>(sleep.count(), 0, 60'000));
            for (bool more = SDL_WaitEventTimeout(&event, timeout) != 0; more;
                 more = SDL_PollEvent(&event) != 0) {
                if (event.type == SDL_QUIT) open = false;
                if (event.type == SDL_WINDOWEVENT) changed = true;
                if (event.type == SDL_KEYDOWN && event.key.keysym.sym == SDLK_SPACE) spawn(loop, start);
            }
            host.pump(Budget{4ms});
            if (!std::exchange(changed, false)) continue;
            SDL_SetWindowTitle(window, title.c_str());
            if (SDL_Surface* screen = SDL_GetWindowSurface(window)) {
                SDL_FillRect(screen, nullptr, SDL_MapRGB(screen->format, 24, 32, 64));
                SDL_UpdateWindowSurface(window);
            }
            ++frames;
        }
    } // the host goes before SDL does
    std::printf("%d frames in 3 seconds, %d results\n", frames, results);
    if (window != nullptr) SDL_DestroyWindow(window);
    SDL_Quit();
    return results > 0 && frames < 20 ? 0 : 1;
}
