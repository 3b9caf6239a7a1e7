# Builds the checkout that this port lies in.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS features
    FEATURES
        sdl2  IOLOOP_SDL2
        imgui IOLOOP_IMGUI
        curl  IOLOOP_CURL
        cares IOLOOP_CARES
)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${features}
        -DIOLOOP_ENET=OFF # found by pkg-config, of which vcpkg's ENet has no file
        -DIOLOOP_DEMO=OFF
        -DIOLOOP_TESTS=OFF
        -DIOLOOP_BENCH=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME ioloop CONFIG_PATH lib/cmake/ioloop)
vcpkg_fixup_pkgconfig()
vcpkg_copy_pdbs()

file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
