// SPDX-License-Identifier: MIT
// Uses what it is linked with: WITH_SDL2, WITH_IMGUI, WITH_CURL, WITH_ENET, WITH_CARES.
#include <ioloop/ioloop.hpp>

#ifdef WITH_SDL2
#include <ioloop/sdl2.hpp>

#include <SDL.h>
#endif
#ifdef WITH_CARES
#include <ioloop/cares.hpp>
#endif
#ifdef WITH_CURL
#include <ioloop/curl.hpp>
#endif
#ifdef WITH_ENET
#include <ioloop/enet.hpp>
#endif
#ifdef WITH_IMGUI
#include <ioloop/imgui.hpp>

#include <imgui.h>
#endif

int main(int, char**) {
    ioloop::IOLoop loop;
    bool called = false;
    loop.add_callback([&] { called = true; });

#ifdef WITH_CARES
    const ioloop::cares::Resolver resolver(loop);
#endif
#ifdef WITH_CURL
    const ioloop::curl::HttpClient http(loop);
#endif
#ifdef WITH_ENET
    const ioloop::enet::Host host_of_peers(loop, {}, [](ENetEvent&) {});
#endif
#ifdef WITH_IMGUI
    ImGui::CreateContext();
    {
        ioloop::imgui::Inspector inspector(loop);
        bool open = false;
        inspector.show_window("IOLoop", &open);
    }
    ImGui::DestroyContext();
#endif

#ifdef WITH_SDL2
    if (SDL_Init(SDL_INIT_VIDEO) != 0) return 2;
    {
        ioloop::sdl2::Host host(loop);
        host.pump();
    }
    SDL_Quit();
#else
    loop.run_once();
#endif
    return called ? 0 : 1;
}
