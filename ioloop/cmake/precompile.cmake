# Half the time of a file goes into what it includes of the standard library. Here that is compiled once for each of the
# larger targets. A file that leaves out what it needs is not seen then: so the preset clang is without, by which clang-tidy
# reads the library, and files for a system that few build for.
foreach(target IN ITEMS ioloop ioloop_imgui arena_core arena bench_without_hooks)
    if(TARGET ${target})
        target_precompile_headers(${target} PRIVATE
            <algorithm> <array> <atomic> <chrono> <coroutine> <cstdint> <cstring> <exception> <functional> <map> <memory>
            <memory_resource> <mutex> <optional> <span> <stdexcept> <string> <string_view> <system_error> <thread>
            <tuple> <type_traits> <utility> <variant> <vector>)
    endif()
endforeach()

get_target_property(sources ioloop SOURCES)
list(FILTER sources INCLUDE REGEX "_windows|wsapoll|kqueue")
set_source_files_properties(${sources} TARGET_DIRECTORY ioloop PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
