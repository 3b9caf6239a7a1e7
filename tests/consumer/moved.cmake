# Installs into one folder, and moves that to another: nothing in it may say where it was built, or where it was before.
#
#   cmake -D BUILD=... -D SOURCE=... -D CONFIG=... -D PREFIX=... -P moved.cmake
file(REMOVE_RECURSE ${PREFIX} ${PREFIX}.first)
execute_process(
    COMMAND ${CMAKE_COMMAND} --install ${BUILD} --config ${CONFIG} --prefix ${PREFIX}.first
    OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX}.first ${PREFIX})

file(GLOB_RECURSE files ${PREFIX}/*.cmake ${PREFIX}/*.pc ${PREFIX}/*.hpp)
if(NOT files)
    message(FATAL_ERROR "nothing was installed in ${PREFIX}")
endif()
foreach(file IN LISTS files)
    file(READ ${file} text)
    foreach(place IN ITEMS ${BUILD} ${SOURCE} ${PREFIX})
        string(FIND "${text}" "${place}" position)
        if(NOT position EQUAL -1)
            message(FATAL_ERROR "${file} names ${place}")
        endif()
    endforeach()
endforeach()
list(LENGTH files count)
message(STATUS "${count} files, and none says where it is")
