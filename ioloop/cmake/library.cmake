# ioloop_as_library(<target>): what a library of this project is besides its sources. A shared one is named for the minor
# version, as long as these may differ, and gives out all that it has, also in a program that hides by default: nothing in
# the headers says what is to be seen. And no place that it tells of itself depends on where it was built.
function(ioloop_as_library target)
    set_target_properties(${target} PROPERTIES
        VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
        WINDOWS_EXPORT_ALL_SYMBOLS ON
        DEFINE_SYMBOL "" # nobody asks for it, and it would be the only difference between the objects of both kinds
    )
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "SHARED_LIBRARY")
        set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
    endif()
    if(NOT MSVC)
        target_compile_options(${target} PRIVATE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
    endif()
endfunction()
