# What cpack makes: packages for Debian, of what this configuration installs. Static libraries are one package,
# libioloop-dev; shared ones are two, of which one is named for what programs link with.
# How to call it is in packaging/README.md.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME ioloop)
set(CPACK_PACKAGE_VENDOR "the authors of ioloop")
if(NOT CPACK_PACKAGE_CONTACT) # whoever gives a package away says who that is
    set(CPACK_PACKAGE_CONTACT "The authors of ioloop <ioloop@localhost>")
endif()
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_COMPONENTS_ALL ioloop_dev)
set(CPACK_DEBIAN_IOLOOP_DEV_PACKAGE_NAME libioloop-dev)
set(CPACK_DEBIAN_IOLOOP_DEV_PACKAGE_SECTION libdevel)
set(CPACK_COMPONENT_IOLOOP_DEV_DESCRIPTION "${PROJECT_DESCRIPTION}: headers and libraries")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libioloop-dev COMPONENT ioloop_dev)

# What the components need is of use to those only who ask for them.
set(CPACK_DEBIAN_IOLOOP_DEV_PACKAGE_DEPENDS "libc6-dev, libstdc++-12-dev | libstdc++-dev")
set(recommended "")
foreach(part IN ITEMS sdl2=libsdl2-dev imgui=libimgui-dev curl=libcurl4-openssl-dev enet=libenet-dev cares=libc-ares-dev)
    string(REGEX MATCH "^(.+)=(.+)$" part ${part})
    if(TARGET ioloop_${CMAKE_MATCH_1})
        list(APPEND recommended ${CMAKE_MATCH_2})
    endif()
endforeach()
list(JOIN recommended ", " CPACK_DEBIAN_IOLOOP_DEV_PACKAGE_RECOMMENDS)

get_target_property(type ioloop TYPE)
if(type STREQUAL "SHARED_LIBRARY")
    set(runtime libioloop${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
    list(APPEND CPACK_COMPONENTS_ALL ioloop_runtime)
    set(CPACK_DEBIAN_IOLOOP_RUNTIME_PACKAGE_NAME ${runtime})
    set(CPACK_DEBIAN_IOLOOP_RUNTIME_PACKAGE_SECTION libs)
    set(CPACK_DEBIAN_IOLOOP_RUNTIME_PACKAGE_SHLIBDEPS ON)
    set(CPACK_DEBIAN_IOLOOP_RUNTIME_PACKAGE_CONTROL_EXTRA "${PROJECT_BINARY_DIR}/triggers")
    file(WRITE ${PROJECT_BINARY_DIR}/triggers "activate-noawait ldconfig\n")
    set(CPACK_COMPONENT_IOLOOP_RUNTIME_DESCRIPTION "${PROJECT_DESCRIPTION}")
    set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR}/ioloop) # the bridges link with the core
    string(PREPEND CPACK_DEBIAN_IOLOOP_DEV_PACKAGE_DEPENDS "${runtime} (= ${PROJECT_VERSION}), ")
    install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright
        DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${runtime} COMPONENT ioloop_runtime)
endif()

include(CPack)
