# add_window(<library>...): the program `window`, linked with these, and with the backends in Debian's Dear ImGui.
function(add_window)
    find_package(OpenGL REQUIRED)
    find_package(SDL2 CONFIG REQUIRED)
    add_executable(window ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/window.cpp)
    target_compile_features(window PRIVATE cxx_std_20)
    target_link_libraries(window PRIVATE ${ARGN} SDL2::SDL2 OpenGL::GL)
endfunction()
