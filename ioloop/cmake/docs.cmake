# The target `docs`, which is not part of `all`: the reference of all public headers and the guide, as HTML. A warning is an
# error. A test makes it too, in the same place.
find_package(Doxygen 1.9 QUIET)
find_program(awk awk)
mark_as_advanced(awk)
if(NOT TARGET Doxygen::doxygen OR NOT awk)
    ioloop_report(docs "not built: Doxygen 1.9 was not found (Debian: doxygen)")
    return()
endif()

set(folders ioloop/include)
foreach(bridge IN ITEMS sdl2 imgui cares curl enet) # also those that are not built
    list(APPEND folders integration/${bridge}/include)
endforeach()
list(TRANSFORM folders REPLACE "(.+)" "\"${PROJECT_SOURCE_DIR}/\\1\"")
list(JOIN folders " " IOLOOP_DOCS_ROOTS)
set(IOLOOP_DOCS_DIR ${PROJECT_BINARY_DIR}/docs)
set(IOLOOP_DOCS_FILTER "${awk} -f ${PROJECT_SOURCE_DIR}/ioloop/cmake/doxygen.awk")
configure_file(${PROJECT_SOURCE_DIR}/ioloop/cmake/Doxyfile.in ${IOLOOP_DOCS_DIR}/Doxyfile @ONLY)

add_custom_target(docs
    COMMAND Doxygen::doxygen ${IOLOOP_DOCS_DIR}/Doxyfile
    COMMAND ${CMAKE_COMMAND} -E echo "${IOLOOP_DOCS_DIR}/html/index.html"
    VERBATIM)
if(IOLOOP_TESTS AND NOT CMAKE_CROSSCOMPILING)
    add_test(NAME packaging/docs COMMAND Doxygen::doxygen ${IOLOOP_DOCS_DIR}/Doxyfile)
    set_tests_properties(packaging/docs PROPERTIES LABELS packaging TIMEOUT 120)
endif()
ioloop_report(docs "with Doxygen ${DOXYGEN_VERSION}, on request")
