# ioloop_find_imgui([GLOBAL]): defines imgui::imgui, if Dear ImGui can be found.
#
# Dear ImGui has no CMake package of its own. In order: the target that the program has already, a package that
# calls itself imgui (vcpkg and Conan make one), pkg-config (Debian). Used by the build and by the installed package.
function(ioloop_find_imgui)
    if(NOT TARGET imgui::imgui)
        find_package(imgui CONFIG QUIET ${ARGN})
    endif()
    if(NOT TARGET imgui::imgui)
        find_package(PkgConfig QUIET)
        if(PkgConfig_FOUND)
            pkg_check_modules(ioloop_imgui_package QUIET IMPORTED_TARGET ${ARGN} imgui)
        endif()
        if(ioloop_imgui_package_FOUND)
            add_library(imgui::imgui INTERFACE IMPORTED ${ARGN})
            target_link_libraries(imgui::imgui INTERFACE PkgConfig::ioloop_imgui_package)
        endif()
    endif()
endfunction()
