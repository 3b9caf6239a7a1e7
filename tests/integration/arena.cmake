# The game and the examples, tested as the programs they are.
if(NOT IOLOOP_DEMO OR NOT TARGET arena_core)
    return()
endif()

foreach(name IN ITEMS arena_crowd arena_durations arena_impairment arena_link arena_paused arena_protocol
        arena_server arena_sight arena_strangers arena_swarm arena_troubles examples)
    ioloop_add_test(integration/${name} LIBRARIES arena_core)
endforeach()
ioloop_add_fuzz_test(arena_messages LIBRARIES arena_core)
target_compile_definitions(test_integration_examples PRIVATE EXAMPLES_DIR="$<TARGET_FILE_DIR:010-hello>")
add_dependencies(test_integration_examples 010-hello 040-tcp-echo-server)

if(TARGET ioloop::curl)
    ioloop_add_test(integration/arena_motd LIBRARIES arena_core ioloop::curl)
endif()
if(TARGET ioloop::sdl2)
    ioloop_add_test(integration/arena_dragged LIBRARIES arena_core ioloop::sdl2)
    ioloop_add_test(integration/arena_modes SOURCES ../demo/arena/pacing.cpp LIBRARIES arena_core ioloop::sdl2)
endif()

find_package(nlohmann_json QUIET)
if(TARGET arena AND TARGET nlohmann_json::nlohmann_json)
    ioloop_add_test(integration/arena_program LIBRARIES nlohmann_json::nlohmann_json)
    target_compile_definitions(test_integration_arena_program PRIVATE ARENA_PROGRAM="$<TARGET_FILE:arena>")
    add_dependencies(test_integration_arena_program arena)
endif()

# The game's server, and strangers.
if(IOLOOP_BENCH AND TARGET arena AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
    ioloop_add_bench(arena_attacks LIBRARIES arena_core QUICK --quick)
    target_compile_definitions(bench_arena_attacks PRIVATE ARENA_PROGRAM="$<TARGET_FILE:arena>")
    add_dependencies(bench_arena_attacks arena)
endif()

# The game's window, with nothing in it but the inspector.
if(TARGET arena)
    ioloop_add_test(integration/inspector_clicks
        SOURCES ../demo/arena/window.cpp
        LIBRARIES arena_core ioloop::sdl2 ioloop::imgui ${CMAKE_DL_LIBS}
        DISPLAY)
endif()

# The viewer, and who is looked into.
if(TARGET arena AND TARGET inspect)
    ioloop_add_test(integration/arena_inspected)
    target_compile_definitions(test_integration_arena_inspected PRIVATE
        ARENA_PROGRAM="$<TARGET_FILE:arena>" INSPECT_PROGRAM="$<TARGET_FILE:inspect>")
    add_dependencies(test_integration_arena_inspected arena inspect)
endif()
