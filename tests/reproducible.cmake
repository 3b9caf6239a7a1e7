# Builds the core twice, in places that have nothing in common, and compares the libraries byte for byte: static ones, and
# shared ones of the same objects. With debug information, the paths in which are mapped as packagers do; what the library
# tells of its own places (Origin) it has to see to itself.
#
#   cmake -D WORK=<a folder> [-D COMPILER=...] -P tests/reproducible.cmake
cmake_minimum_required(VERSION 3.24)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH root)
cmake_path(ABSOLUTE_PATH WORK)
if(NOT COMPILER)
    set(COMPILER c++)
endif()

file(REMOVE_RECURSE ${WORK})
set(places ${WORK}/here ${WORK}/somewhere/quite/different)
foreach(place IN LISTS places)
    file(COPY ${root}/CMakeLists.txt ${root}/LICENSE ${root}/ioloop ${root}/integration DESTINATION ${place}/source)
    foreach(shared IN ITEMS OFF ON)
        execute_process(
            COMMAND ${CMAKE_COMMAND} -S ${place}/source -B ${place}/build -G Ninja -DBUILD_SHARED_LIBS=${shared}
                -DCMAKE_CXX_COMPILER=${COMPILER} "-DCMAKE_CXX_FLAGS=-g -fdebug-prefix-map=${place}=."
                -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DCMAKE_CXX_VISIBILITY_PRESET=default
                -DIOLOOP_SDL2=OFF -DIOLOOP_IMGUI=OFF -DIOLOOP_CARES=OFF -DIOLOOP_CURL=OFF -DIOLOOP_ENET=OFF
                -DIOLOOP_DEMO=OFF -DIOLOOP_TESTS=OFF -DIOLOOP_BENCH=OFF -DIOLOOP_PRECOMPILE=ON
            OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
        execute_process(COMMAND ${CMAKE_COMMAND} --build ${place}/build OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    endforeach()
endforeach()

list(GET places 0 first)
list(GET places 1 second)
file(GLOB libraries RELATIVE ${first}/build/ioloop ${first}/build/ioloop/libioloop.*)
list(LENGTH libraries count)
if(count LESS 2)
    message(FATAL_ERROR "there are only ${libraries}")
endif()
foreach(library IN LISTS libraries)
    file(SHA256 ${first}/build/ioloop/${library} one)
    file(SHA256 ${second}/build/ioloop/${library} other)
    if(NOT one STREQUAL other)
        message(FATAL_ERROR "${library} depends on where it is built: ${one}, ${other}")
    endif()
    file(STRINGS ${first}/build/ioloop/${library} named REGEX "${WORK}" LIMIT_COUNT 1)
    if(named)
        message(FATAL_ERROR "${library} names the place where it was built: ${named}")
    endif()
    message(STATUS "${one}  ${library}")
endforeach()
file(REMOVE_RECURSE ${WORK})
