# How ioloop is installed: one export set for each part, so that a machine without SDL2 or Dear ImGui can use the
# core. What a user says afterwards is find_package(ioloop COMPONENTS sdl2 imgui curl enet cares), or pkg-config ioloop.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(IOLOOP_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/ioloop)

# ioloop_install_target(<target> <part>): installs a library with its headers, known as ioloop::<part>.
function(ioloop_install_target target part)
    set(export_set ioloop-${part}-targets)
    if(part STREQUAL "ioloop")
        set(export_set ioloop-targets)
    endif()
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${part})
    install(TARGETS ${target} EXPORT ${export_set}
        RUNTIME COMPONENT ioloop_runtime
        LIBRARY COMPONENT ioloop_runtime NAMELINK_COMPONENT ioloop_dev
        ARCHIVE COMPONENT ioloop_dev
        FILE_SET HEADERS COMPONENT ioloop_dev)
    install(EXPORT ${export_set} NAMESPACE ioloop:: DESTINATION ${IOLOOP_INSTALL_CMAKEDIR} COMPONENT ioloop_dev)
endfunction()

# ioloop_install_pkgconfig(<name> <library> <description> [<required pkg-config package>...])
function(ioloop_install_pkgconfig name library description)
    string(JOIN " " requires ${ARGN})
    # The file finds its prefix from where it lies, so that an installed tree may be moved.
    file(RELATIVE_PATH path_to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
    string(REGEX REPLACE "/$" "" path_to_prefix "${path_to_prefix}")
    configure_file(${PROJECT_SOURCE_DIR}/ioloop/cmake/pkgconfig.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT ioloop_dev)
endfunction()

function(ioloop_install_core)
    ioloop_install_target(ioloop ioloop)
    ioloop_install_pkgconfig(ioloop ioloop "${PROJECT_DESCRIPTION}")

    configure_package_config_file(
        ${PROJECT_SOURCE_DIR}/ioloop/cmake/ioloop-config.cmake.in ${PROJECT_BINARY_DIR}/ioloop-config.cmake
        INSTALL_DESTINATION ${IOLOOP_INSTALL_CMAKEDIR}
        PATH_VARS CMAKE_INSTALL_DATADIR)
    write_basic_package_version_file(
        ${PROJECT_BINARY_DIR}/ioloop-config-version.cmake COMPATIBILITY SameMinorVersion)
    install(
        FILES
            ${PROJECT_BINARY_DIR}/ioloop-config.cmake
            ${PROJECT_BINARY_DIR}/ioloop-config-version.cmake
            ${PROJECT_SOURCE_DIR}/ioloop/cmake/ioloop-find-imgui.cmake
        DESTINATION ${IOLOOP_INSTALL_CMAKEDIR} COMPONENT ioloop_dev)
endfunction()
