# What the loop takes for an operation, without the machine's noise: instructions by callgrind and system calls by strace,
# in bench_peers. A count that has grown by more than a tenth fails.
#
#   cmake -D PROGRAM=<bench_peers> -D COMPILER=<its id and version> -D WORK=<folder> -P tests/bench/counts.cmake
#
# and the same with -D UPDATE=ON, which writes down what there is now.
#
# Of a Release build by the compiler for which the counts were written down: another one is an excuse, as is a machine
# where neither tool may look. It says SKIPPED.

cmake_minimum_required(VERSION 3.24)

set(expectations ${CMAKE_CURRENT_LIST_DIR}/counts.expected)
set(ENV{IOLOOP_POLLER} epoll)
set(failures 0)

find_program(VALGRIND valgrind)
find_program(STRACE strace)
if(NOT VALGRIND OR NOT STRACE)
    message("SKIPPED: valgrind and strace are needed (Debian: valgrind strace)")
    return()
endif()
find_program(TRUE_PROGRAM true REQUIRED)
execute_process(COMMAND ${STRACE} -o ${WORK}.strace ${TRUE_PROGRAM} RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
if(status)
    message("SKIPPED: strace may not trace here")
    return()
endif()

# instructions(<scenario> <operations>): sets `count`.
function(instructions scenario operations)
    execute_process(
        COMMAND ${VALGRIND} --tool=callgrind --callgrind-out-file=/dev/null ${PROGRAM} --count ${scenario} ioloop ${operations}
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE said)
    if(status OR NOT said MATCHES "Collected : ([0-9]+)")
        message(FATAL_ERROR "callgrind over ${scenario} failed: ${status}\n${said}")
    endif()
    set(count ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

# system_calls(<scenario> <operations>): sets `count`.
function(system_calls scenario operations)
    execute_process(COMMAND ${STRACE} -f -c -o ${WORK}.strace ${PROGRAM} --count ${scenario} ioloop ${operations}
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE said)
    file(READ ${WORK}.strace text)
    if(status OR NOT text MATCHES "\n100\\.00 +[0-9.]+ +[0-9]* +([0-9]+) +[0-9]* *total")
        message(FATAL_ERROR "strace over ${scenario} failed: ${status}\n${said}${text}")
    endif()
    set(count ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()

# an_operation(<function> <scenario>): sets `hundredths`: the difference between few and many.
function(an_operation what scenario)
    set(few 1024) # a multiple of every batch
    set(many 3072)
    cmake_language(CALL ${what} "${scenario}" ${few})
    set(before ${count})
    cmake_language(CALL ${what} "${scenario}" ${many})
    math(EXPR hundredths "(${count} - ${before}) * 100 / (${many} - ${few})")
    set(hundredths ${hundredths} PARENT_SCOPE)
endfunction()

# as_decimal(<hundredths> <variable>)
function(as_decimal hundredths result)
    math(EXPR whole "${hundredths} / 100")
    math(EXPR rest "${hundredths} % 100 + 100")
    string(SUBSTRING ${rest} 1 2 rest)
    set(${result} "${whole}.${rest}" PARENT_SCOPE)
endfunction()

# judge(<scenario> <unit> <hundredths found> <decimal expected> <hundredths that do not matter>)
function(judge scenario unit found expected slack)
    as_decimal(${found} shown)
    string(REPLACE "." "" expected_hundredths ${expected})
    math(EXPR most "${expected_hundredths} * 11 / 10 + ${slack}")
    math(EXPR good "${expected_hundredths} * 9 / 10 - ${slack}")
    if(found GREATER most)
        message("${scenario}: ${shown} ${unit} an operation; there were ${expected}")
        math(EXPR failures "${failures} + 1")
        set(failures ${failures} PARENT_SCOPE)
    elseif(found LESS good)
        message(STATUS "${scenario}: ${shown} ${unit}, and no longer ${expected}: write that down, with -D UPDATE=ON")
    else()
        message(STATUS "${scenario}: ${shown} ${unit}")
    endif()
endfunction()

file(STRINGS ${expectations} lines)
list(POP_FRONT lines heading)
if(NOT UPDATE AND NOT heading STREQUAL "# ${COMPILER}")
    message("SKIPPED: the counts are those of another compiler than ${COMPILER}: ${heading}")
    return()
endif()
set(updated "# ${COMPILER}\n")
foreach(line IN LISTS lines)
    if(NOT line MATCHES "^([^:]+): *([0-9.]+) instructions, *([0-9.]+) system calls$")
        string(APPEND updated "${line}\n")
        continue()
    endif()
    set(scenario ${CMAKE_MATCH_1})
    set(expected_instructions ${CMAKE_MATCH_2})
    set(expected_calls ${CMAKE_MATCH_3})
    an_operation(instructions "${scenario}")
    set(found_instructions ${hundredths})
    an_operation(system_calls "${scenario}")
    set(found_calls ${hundredths})
    if(UPDATE)
        as_decimal(${found_instructions} instructions)
        as_decimal(${found_calls} calls)
        string(APPEND updated "${scenario}: ${instructions} instructions, ${calls} system calls\n")
        message(STATUS "${scenario}: ${instructions} instructions, ${calls} system calls")
    else()
        judge("${scenario}" instructions ${found_instructions} ${expected_instructions} 100)
        judge("${scenario}" "system calls" ${found_calls} ${expected_calls} 2)
    endif()
endforeach()
if(UPDATE)
    file(WRITE ${expectations} "${updated}")
elseif(failures)
    message(FATAL_ERROR "${failures} counts have grown, above")
endif()
