# Proves that floors.cmake sees what it is there to see: plants each kind of violation in a copy of the sources and
# expects it to be named.   cmake -D WORK=<folder to use> -P tests/floors_planted.cmake

cmake_minimum_required(VERSION 3.24)

cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH root)
set(copy ${WORK}/tree)

# check(<regular expression for what is expected in the output, or "none looks up">)
function(check expected)
    execute_process(
        COMMAND ${CMAKE_COMMAND} -D ROOT=${copy} -P ${root}/tests/floors.cmake
        RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
    string(REGEX REPLACE "[ \n]+" " " output "${output}")
    if(NOT output MATCHES "${expected}")
        message(FATAL_ERROR "expected «${expected}», got: ${output}")
    elseif(NOT result EQUAL 0 AND expected MATCHES "none looks up")
        message(FATAL_ERROR "a clean tree fails")
    elseif(result EQUAL 0 AND NOT expected MATCHES "none looks up")
        message(FATAL_ERROR "seen, but not failed: ${expected}")
    endif()
endfunction()

# plant(<file> <line> <expected>): one violation, checked, and taken away again.
function(plant file line expected)
    message(STATUS "${file}: ${line}")
    set(original "")
    if(EXISTS ${copy}/${file})
        file(READ ${copy}/${file} original)
    endif()
    file(APPEND ${copy}/${file} "\n${line}\n")
    check("${expected}")
    if(original STREQUAL "")
        file(REMOVE ${copy}/${file})
    else()
        file(WRITE ${copy}/${file} "${original}")
    endif()
endfunction()

file(REMOVE_RECURSE ${copy})
file(COPY ${root}/ioloop ${root}/integration DESTINATION ${copy})
check("none looks up")

plant(ioloop/include/ioloop/clock.hpp       "#include <ioloop/io_loop.hpp>"      "from floor 0 to floor 2")
plant(ioloop/src/timeout_queue.cpp          "#  include \"../include/ioloop/io_loop.hpp\"" "from floor 1 to floor 2")
plant(ioloop/include/ioloop/io_loop.hpp     "#include <ioloop/sdl2.hpp>"         "from floor 2 to floor 4")
plant(ioloop/src/periodic_callback.cpp      "#include \"io_loop_impl.hpp\""      "floor 3 lives on the loop's public")
plant(ioloop/src/poller/epoll.cpp           "#include <SDL.h>"                   "knows neither SDL nor Dear ImGui")
plant(ioloop/src/inspect/recorder.cpp       "#include <imgui.h>"                 "knows neither SDL nor Dear ImGui")
plant(ioloop/include/ioloop/poller.hpp      "#include <sys/epoll.h>"             "a header of the system outside")
plant(ioloop/src/io_loop.cpp                "#if defined(__linux__)"             "asks for the platform outside")
plant(ioloop/include/ioloop/events.hpp      "#ifdef _WIN32"                      "asks for the platform outside")
plant(ioloop/src/poller/epoll.hpp           "#pragma once"                       "a backend has no header")
plant(ioloop/src/poller/clock.cpp           "int planted;"                       "another file under ioloop/ is called")
plant(ioloop/src/planted.cpp                "int planted;"                       "has no floor yet")
plant(integration/imgui/planted.cpp         "#include <ioloop/sdl2.hpp>"         "one bridge knows no other")
plant(integration/sdl2/host.cpp             "#include \"io_loop_impl.hpp\""      "past the public headers")
