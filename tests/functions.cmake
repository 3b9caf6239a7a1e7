# The ways to add a program to the tests.

# ioloop_add_test(<folder>/<name> [SOURCES <more>...] [LIBRARIES <target>...] [LABELS <label>...] [DISPLAY])
#
# LIBRARIES   beside ioloop::ioloop, GoogleTest and GoogleMock
# LABELS      beside the folder
# DISPLAY     opens real windows: one such test at a time, on the X server that tests/run starts. All others
#             see SDL's dummy video driver
function(ioloop_add_test test)
    cmake_parse_arguments(PARSE_ARGV 1 arg "DISPLAY" "" "SOURCES;LIBRARIES;LABELS")
    cmake_path(GET test PARENT_PATH folder)
    string(MAKE_C_IDENTIFIER "test_${test}" target)

    add_executable(${target} ${test}.cpp ${arg_SOURCES})
    # tests/ for "support/sim_world.hpp", ioloop/src for the internals that unit tests look at.
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/ioloop/src)
    target_link_libraries(${target} PRIVATE
        ioloop::ioloop ${arg_LIBRARIES} GTest::gmock GTest::gtest_main)

    # What all tests include is compiled once. It is a third of their time.
    if(IOLOOP_PRECOMPILE)
        if(NOT TARGET ioloop_precompiled_tests)
            ioloop_precompile_tests()
        endif()
        target_precompile_headers(${target} REUSE_FROM ioloop_precompiled_tests)
    endif()

    set(labels ${folder} ${arg_LABELS})
    if(arg_DISPLAY)
        list(APPEND labels display)
        # The graphics driver leaks, and is unloaded by the time that this is noticed: no suppression can name it.
        set(video RESOURCE_LOCK display ENVIRONMENT ASAN_OPTIONS=detect_leaks=0)
    else()
        set(video ENVIRONMENT SDL_VIDEODRIVER=dummy)
    endif()
    if(CMAKE_CROSSCOMPILING OR NOT IOLOOP_TESTS_ONE_BY_ONE)
        # An emulator takes a second to start, a sanitizer a tenth of it: one test for the whole program.
        add_test(NAME ${test} COMMAND ${target})
        set_tests_properties(${test} PROPERTIES
            LABELS "${labels}" TIMEOUT 300 ${video})
        return()
    endif()
    list(JOIN labels "+" labels) # lists do not survive gtest_discover_tests(), and ctest -L matches parts
    gtest_discover_tests(${target}
        TEST_PREFIX "${test}."
        DISCOVERY_TIMEOUT 60
        PROPERTIES LABELS "${labels}" TIMEOUT 300 ${video})
endfunction()

# ioloop_add_fuzz_test(<name> [SOURCES <more>...] [LIBRARIES <target>...]): tests/fuzz/<name>.cpp, as above. With
# IOLOOP_LIBFUZZER, a program that libFuzzer gives bytes to until it is told to stop, and a test that it does a little of that.
function(ioloop_add_fuzz_test name)
    if(NOT IOLOOP_LIBFUZZER)
        ioloop_add_test(fuzz/${name} ${ARGN})
        return()
    endif()
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
    set(target test_fuzz_${name})
    add_executable(${target} fuzz/${name}.cpp ${arg_SOURCES})
    target_compile_definitions(${target} PRIVATE IOLOOP_LIBFUZZER)
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE ioloop::ioloop ${arg_LIBRARIES} GTest::gtest)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz/${name} COMMAND ${target} -seed=1 -runs=20000 -max_total_time=10)
    set_tests_properties(fuzz/${name} PROPERTIES LABELS libfuzzer TIMEOUT 300)

    if(NOT TARGET fuzzers)
        add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${target})
endfunction()

# Makes the target ioloop_precompiled_tests.
function(ioloop_precompile_tests)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp "")
    add_library(ioloop_precompiled_tests OBJECT ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(ioloop_precompiled_tests PRIVATE ioloop::ioloop GTest::gmock GTest::gtest_main)
    target_precompile_headers(ioloop_precompiled_tests PRIVATE <gmock/gmock.h> <gtest/gtest.h> <ioloop/ioloop.hpp>)
endfunction()

# ioloop_add_bench(<name> [LIBRARIES <target>...] [QUICK <argument>...] [DISPLAY]): tests/bench/<name>.cpp. The test only
# sees that it still runs.
#
# QUICK       makes it run for seconds
# DISPLAY     a second test, <name>_shown, opens real windows, as above; the first sees SDL's dummy video driver
function(ioloop_add_bench name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "DISPLAY" "" "LIBRARIES;QUICK")
    add_executable(bench_${name} bench/${name}.cpp)
    target_include_directories(bench_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(bench_${name} PRIVATE ioloop::ioloop ${arg_LIBRARIES})
    add_test(NAME bench/${name} COMMAND bench_${name} ${arg_QUICK})
    set_tests_properties(bench/${name} PROPERTIES
        LABELS bench TIMEOUT 120 ENVIRONMENT SDL_VIDEODRIVER=dummy)
    if(arg_DISPLAY)
        add_test(NAME bench/${name}_shown COMMAND bench_${name} ${arg_QUICK})
        set_tests_properties(bench/${name}_shown PROPERTIES
            LABELS "bench;display" TIMEOUT 120 RESOURCE_LOCK display)
    endif()
endfunction()
