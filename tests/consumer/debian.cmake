# Makes Debian's packages of what is built, looks at them as lintian would, and unpacks them into a folder of their own.
#
#   cmake -D BUILD=... -D CONFIG=... -D WORK=... -D VERSION=... -D SONAME=... -P debian.cmake
#
# SONAME: of the shared library; empty if it is static, and there is one package.
find_program(dpkg_deb dpkg-deb)
if(NOT dpkg_deb)
    message(STATUS "SKIPPED: this is not a Debian machine")
    return()
endif()

file(REMOVE_RECURSE ${WORK})
execute_process(
    COMMAND ${CMAKE_CPACK_COMMAND} -G DEB -C ${CONFIG} -B ${WORK}
    WORKING_DIRECTORY ${BUILD} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result)
if(result)
    message(FATAL_ERROR "cpack failed:\n${output}")
endif()

# expect(<text> <what> <regular expression>...)
function(expect text what)
    foreach(expression IN LISTS ARGN)
        if(NOT text MATCHES "${expression}")
            message(FATAL_ERROR "${what} has no ${expression}:\n${text}")
        endif()
    endforeach()
endfunction()

# look_at(<package> <field>...): unpacks it too.
function(look_at package)
    file(GLOB file ${WORK}/${package}_${VERSION}*.deb)
    list(LENGTH file count)
    if(NOT count EQUAL 1)
        message(FATAL_ERROR "cpack made ${count} packages ${package}:\n${output}")
    endif()
    execute_process(COMMAND ${dpkg_deb} -f ${file} OUTPUT_VARIABLE fields COMMAND_ERROR_IS_FATAL ANY)
    expect("${fields}" ${package}
        "Package: ${package}\n" "Version: ${VERSION}\n" "Architecture: [a-z0-9]+\n" "Maintainer: .+ <.+@.+>\n"
        "Description: [^\n]+\n" "Section: libs?(devel)?\n" ${ARGN})
    execute_process(COMMAND ${dpkg_deb} -c ${file} OUTPUT_VARIABLE list COMMAND_ERROR_IS_FATAL ANY)
    string(REGEX MATCHALL "[^\n]+" lines "${list}")
    foreach(line IN LISTS lines)
        if(NOT line MATCHES "^[-dl][-rwx]+ root/root ")
            message(FATAL_ERROR "${package}: not root's:\n${line}")
        elseif(NOT line MATCHES " \\./(usr/((lib|include|share)/.*)?)?( ->.*)?$")
            message(FATAL_ERROR "${package}: not a place for it:\n${line}")
        elseif(line MATCHES "^[-d](....w|.......w)")
            message(FATAL_ERROR "${package}: too much allowed:\n${line}")
        endif()
    endforeach()
    expect("${list}" ${package} "/share/doc/${package}/copyright\n")
    execute_process(COMMAND ${dpkg_deb} -x ${file} ${WORK}/root COMMAND_ERROR_IS_FATAL ANY)
    set(list "${list}" PARENT_SCOPE)
    message(STATUS "${file}")
endfunction()

if(SONAME)
    string(REGEX REPLACE "\\.so\\." "" runtime "${SONAME}")
    look_at(${runtime} "Depends: [^\n]*libc6 [^\n]*libstdc\\+\\+6 ")
    expect("${list}" ${runtime} "/${SONAME} -> " "/${SONAME}\\.[0-9]+\n")
    look_at(libioloop-dev "Depends: ${runtime} \\(= ${VERSION}\\), ")
    expect("${list}" libioloop-dev "/libioloop\\.so -> ")
else()
    look_at(libioloop-dev "Depends: libc6-dev, ")
    expect("${list}" libioloop-dev "/libioloop\\.a\n")
endif()
expect("${list}" libioloop-dev "/include/ioloop/ioloop\\.hpp\n" "/pkgconfig/ioloop\\.pc\n" "/cmake/ioloop/ioloop-config\\.cmake\n")
