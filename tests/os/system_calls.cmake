# What an idle loop costs, counted by strace in the program idle.cpp:
#
#   cmake -D IDLE=<program> -D WORK=<folder> -P tests/os/system_calls.cmake
#
# Only one excuse is accepted, and ends in a skipped test: that strace may not trace here at all.

cmake_minimum_required(VERSION 3.24)

find_program(STRACE strace)
if(NOT STRACE)
    message(FATAL_ERROR "there is no strace to count system calls with (Debian: strace)")
endif()
find_program(TRUE_PROGRAM true REQUIRED)
execute_process(COMMAND ${STRACE} -o ${WORK}.trace ${TRUE_PROGRAM} RESULT_VARIABLE status ERROR_VARIABLE said)
if(status AND said MATCHES "ptrace|PTRACE")
    message("SKIPPED: strace may not trace here: ${said}")
    return()
elseif(status)
    message(FATAL_ERROR "strace does not work: ${said}")
endif()

set(ENV{ASAN_OPTIONS} "$ENV{ASAN_OPTIONS}:detect_leaks=0") # it looks for leaks by tracing itself
set(failures 0)

# trace(<poller> <idle's argument> <strace option>...): sets `calls`, those of the main thread between the marks.
function(trace poller how)
    set(ENV{IOLOOP_POLLER} ${poller})
    execute_process(COMMAND ${STRACE} -o ${WORK}.trace ${ARGN} ${IDLE} ${how}
        RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(status)
        message(FATAL_ERROR "idle ${how} over ${poller} failed: ${status}\n${said}")
    endif()
    file(READ ${WORK}.trace text)
    if(text MATCHES "\nwrite\\(-1, \"begin\"[^\n]*(.*)\nwrite\\(-1, \"end\"")
        string(REGEX MATCHALL "\n[a-z_0-9]+\\(" calls "${CMAKE_MATCH_1}")
        list(TRANSFORM calls REPLACE "\n(.*)\\(" "\\1")
        # Memory is the business of the allocator, and of a sanitizer.
        list(FILTER calls EXCLUDE REGEX "^(brk|mmap|munmap|madvise|mprotect)$")
    elseif(NOT how STREQUAL "refused")
        message(FATAL_ERROR "idle ${how} over ${poller} left no marks in ${WORK}.trace")
    endif()
    set(calls "${calls}" PARENT_SCOPE)
endfunction()

# expect(<poller> <idle's argument> <how many> <system call> [<strace option>...]): that many, and no others.
function(expect poller how count name)
    trace(${poller} ${how} ${ARGN})
    list(LENGTH calls made)
    list(FILTER calls INCLUDE REGEX "^(${name})$")
    list(LENGTH calls expected)
    if(made EQUAL count AND expected EQUAL count)
        message(STATUS "${how} over ${poller}: ${count} system calls")
    else()
        message("${how} over ${poller}: ${made} system calls, ${expected} of them ${name}; "
            "there should be ${count}, and no others")
        math(EXPR failures "${failures} + 1")
        set(failures ${failures} PARENT_SCOPE)
    endif()
endfunction()

# 1000 turns that do not wait: one look each, or none. Over epoll, linux-aio spares them, where the kernel has it.
foreach(refusal io_setup:error=ENOSYS io_setup:error=EAGAIN io_setup:error=EPERM io_submit:error=EINVAL)
    expect(epoll pumped 1000 "epoll_wait|epoll_pwait" -e inject=${refusal})
endforeach()
trace(epoll pumped -e trace=io_submit,write)
file(STRINGS ${WORK}.trace submitted REGEX "^io_submit.* = 1$")
if(submitted)
    expect(epoll pumped 0 none)
else()
    message(STATUS "epoll: this kernel refuses linux-aio, and so a turn can not do without a system call")
endif()
expect(poll pumped 1000 "ppoll|poll")
expect(select pumped 1000 "pselect6|select")
trace(io_uring refused -e trace=io_uring_setup -e inject=io_uring_setup:error=EPERM)
trace(io_uring refused -e trace=io_uring_setup -e inject=io_uring_setup:error=ENOSYS)
file(STRINGS ${WORK}.trace asked REGEX "^io_uring_setup")
if(NOT asked)
    message(FATAL_ERROR "nobody asked the kernel for io_uring")
endif()

# Two seconds asleep, with three deadlines: three sleeps, and nobody wakes up in between.
expect(epoll sleeping 3 epoll_pwait2)
expect(poll sleeping 3 ppoll)
expect(select sleeping 3 pselect6)

# A kernel before 5.11, by the look of it, or a sandbox (it was tried once): milliseconds, rounded up.
foreach(refusal ENOSYS EPERM EACCES EOPNOTSUPP)
    expect(epoll sleeping 3 epoll_wait -e inject=epoll_pwait2:error=${refusal})
endforeach()

execute_process(COMMAND ${CMAKE_COMMAND} -E env IOLOOP_POLLER=io_uring ${IDLE} pumped
    RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
if(status)
    message(STATUS "io_uring: this kernel refuses it, and so it can not be counted")
else()
    expect(io_uring pumped 0 none)
    expect(io_uring sleeping 3 epoll_pwait2)
endif()

if(failures)
    message(FATAL_ERROR "${failures} counts are wrong, above")
endif()
