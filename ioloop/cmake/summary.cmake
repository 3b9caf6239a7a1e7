# What this configuration builds, and what it leaves out and why. Printed at the end of the configuration, so
# that a missing package is seen by whoever builds.

# ioloop_report(<part> <text>): one line of the summary.
function(ioloop_report part text)
    set(column 10)
    string(LENGTH "${part} " length) # a longer name moves its text, and that is all
    while(length LESS column)
        string(APPEND part " ")
        math(EXPR length "${length} + 1")
    endwhile()
    set_property(GLOBAL APPEND PROPERTY IOLOOP_SUMMARY "${part} ${text}")
endfunction()

# ioloop_not_built(<part> <reason>): `part` was asked for and can not be had. At the top level everything is
# asked for by default, so the rest goes on; a sub-project has asked by name, so it is told at once.
function(ioloop_not_built part reason)
    if(NOT PROJECT_IS_TOP_LEVEL)
        message(FATAL_ERROR "ioloop: ${part} was asked for, but ${reason}")
    endif()
    message(WARNING "ioloop: ${part} is not built: ${reason}")
    ioloop_report("${part}" "NOT BUILT: ${reason}")
endfunction()

function(ioloop_print_summary)
    get_property(lines GLOBAL PROPERTY IOLOOP_SUMMARY)
    message(STATUS "ioloop ${PROJECT_VERSION} builds")
    foreach(line IN LISTS lines)
        message(STATUS "  ${line}")
    endforeach()
endfunction()
