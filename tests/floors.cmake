# The floors of the house, and a check that nobody looks up:   cmake -P tests/floors.cmake
#
#   5  demo  tests
#   4  integration/*          public headers of ioloop only, never each other
#   3  periodic_callback ...  made of the loop's public interface
#   2  io_loop                the one place that knows all mechanisms
#   1  mechanisms             know no loop
#   0  values                 know nothing
#
# An include points at its own floor or below. A new file under ioloop/ is given its floor here, by name.

set(floor_0
    include/ioloop/clock.hpp
    include/ioloop/context.hpp
    include/ioloop/events.hpp
    include/ioloop/fd.hpp
    include/ioloop/file_identity.hpp
    include/ioloop/flow.hpp
    include/ioloop/function.hpp
    include/ioloop/ids.hpp
    include/ioloop/net/listen_options.hpp
    include/ioloop/net/stream_errors.hpp
    include/ioloop/net/stream_options.hpp
    include/ioloop/origin.hpp
    include/ioloop/outcome.hpp
    include/ioloop/site.hpp
    include/ioloop/turn.hpp
    src/processor.hpp
    src/clock.cpp
    src/context.cpp
    src/function.cpp
    src/here.cpp
    src/here.hpp
    src/net/frame_header.hpp
    src/net/stream_errors.cpp
    src/raise.hpp
    src/site.cpp
    src/site_table.hpp
)
set(floor_1
    include/ioloop/frame_pacer.hpp
    include/ioloop/observer.hpp
    include/ioloop/poller.hpp
    include/ioloop/service.hpp
    include/ioloop/snapshot.hpp
    include/ioloop/stall.hpp
    include/ioloop/statistics.hpp
    src/biased_lock.cpp
    src/biased_lock.hpp
    src/callback_arena.cpp
    src/callback_arena.hpp
    src/callback_queue.cpp
    src/callback_queue.hpp
    src/fd_map.hpp
    src/frame_pacer.cpp
    src/free_slots.hpp
    src/handler_table.cpp
    src/handler_table.hpp
    src/os/asymmetric_fence.cpp
    src/os/asymmetric_fence.hpp
    src/os/aio_tripwire.cpp
    src/os/identify.cpp
    src/os/identify.hpp
    src/os/io_uring_tripwire.cpp
    src/os/precise_sleep.cpp
    src/os/precise_sleep.hpp
    src/os/last_error.hpp
    src/os/timespec.hpp
    src/os/process.cpp
    src/os/process.hpp
    src/os/signal_claim.cpp
    src/os/signal_claim.hpp
    src/os/stack_trace.cpp
    src/os/stack_trace.hpp
    src/os/signal_claim_windows.cpp
    src/os/stack_trace_windows.cpp
    include/ioloop/net/socket_address.hpp
    src/net/byte_queue.cpp
    src/net/byte_queue.hpp
    src/net/read_goal.cpp
    src/net/read_goal.hpp
    src/net/datagram_ring.hpp
    src/os/datagrams.cpp
    src/os/datagrams.hpp
    src/os/socket_address.cpp
    src/os/socket_calls.cpp
    src/os/socket_calls.hpp
    src/os/socket_calls_windows.cpp
    src/os/process_windows.cpp
    src/os/run_delay.cpp
    src/os/run_delay.hpp
    src/os/run_delay_windows.cpp
    src/os/tripwire.hpp
    src/os/wake_event.cpp
    src/os/wake_event.hpp
    src/os/wake_event_windows.cpp
    src/os/winsock.hpp
    src/poller/default.cpp
    src/poller/epoll.cpp
    src/poller/io_uring.cpp
    src/poller/kqueue.cpp
    src/poller/null.cpp
    src/poller/poll.cpp
    src/kept_closure.cpp
    src/kept_closure.hpp
    src/signal_queue.cpp
    src/signal_queue.hpp
    src/poller/select.cpp
    src/poller/wsapoll.cpp
    src/slot_map.hpp
    src/stall.cpp
    src/near_heap.cpp
    src/near_heap.hpp
    src/timeout_entry.hpp
    src/timeout_queue.cpp
    src/timeout_queue.hpp
    src/timeout_record.hpp
    src/timeout_wheel.cpp
    src/timeout_wheel.hpp
    src/waiter.cpp
    src/waiter.hpp
    src/watchdog.cpp
    src/watchdog.hpp
)
set(floor_2
    include/ioloop/io_loop.hpp
    include/ioloop/poster.hpp
    src/call.hpp
    src/current.cpp
    src/gate.hpp
    src/inspection.cpp
    src/io_loop.cpp
    src/io_loop_impl.hpp
    src/lifetime.cpp
    src/registration.cpp
    src/run.cpp
    src/signal_handlers.cpp
    src/spend.cpp
    src/spend.hpp
    src/turn.cpp
    src/watch.cpp
)
set(floor_3
    include/ioloop/executor.hpp
    include/ioloop/future.hpp
    include/ioloop/guest.hpp
    include/ioloop/join.hpp
    include/ioloop/net.hpp
    include/ioloop/net/connector.hpp
    include/ioloop/net/resolver.hpp
    include/ioloop/net/frame.hpp
    include/ioloop/net/socket.hpp
    include/ioloop/net/tcp_client.hpp
    include/ioloop/net/tcp_server.hpp
    include/ioloop/net/tcp_stream.hpp
    include/ioloop/net/udp_socket.hpp
    include/ioloop/net/watch_set.hpp
    include/ioloop/readiness.hpp
    include/ioloop/run_sync.hpp
    include/ioloop/sleep.hpp
    include/ioloop/spawn.hpp
    include/ioloop/suspension.hpp
    include/ioloop/task.hpp
    src/executor.cpp
    src/future.cpp
    src/guest.cpp
    src/join.cpp
    src/net/connector.cpp
    src/net/resolver.cpp
    src/net/socket.cpp
    src/net/tcp_client.cpp
    src/net/tcp_server.cpp
    src/net/frame.cpp
    src/net/open_loop.hpp
    src/net/pending_read.hpp
    src/net/quiet_failure.hpp
    src/net/tcp_stream.cpp
    src/net/tcp_stream_impl.cpp
    src/net/tcp_stream_impl.hpp
    src/net/write_queue.cpp
    src/net/write_queue.hpp
    src/net/udp_socket.cpp
    src/net/watch_set.cpp
    src/readiness.cpp
    src/run_sync.cpp
    src/sleep.cpp
    src/spawn.cpp
    src/suspension.cpp
    include/ioloop/inspect/breakpoints.hpp
    include/ioloop/inspect/chrome_trace.hpp
    include/ioloop/inspect/command.hpp
    include/ioloop/inspect/descriptor.hpp
    include/ioloop/inspect/dump_text.hpp
    include/ioloop/inspect/format.hpp
    include/ioloop/inspect/histogram.hpp
    include/ioloop/inspect/inspector_server.hpp
    include/ioloop/inspect/kernel_set.hpp
    include/ioloop/inspect/lint.hpp
    include/ioloop/inspect/linter.hpp
    include/ioloop/inspect/local_source.hpp
    include/ioloop/inspect/moment.hpp
    include/ioloop/inspect/recorder.hpp
    include/ioloop/inspect/remote_source.hpp
    include/ioloop/inspect/site_profile.hpp
    include/ioloop/inspect/source.hpp
    include/ioloop/inspect/text.hpp
    include/ioloop/ioloop.hpp
    include/ioloop/periodic_callback.hpp
    include/ioloop/scope.hpp
    src/inspect/breakpoints.cpp
    src/inspect/chrome_trace.cpp
    src/inspect/command.cpp
    src/inspect/descriptor_kind.cpp
    src/inspect/dump_text.cpp
    src/inspect/evidence.cpp
    src/inspect/evidence.hpp
    src/inspect/findings.cpp
    src/inspect/findings.hpp
    src/inspect/format.cpp
    src/inspect/histogram.cpp
    src/inspect/inspector_server.cpp
    src/inspect/inspector_server_impl.hpp
    src/inspect/inspector_service.cpp
    src/inspect/json_line.hpp
    src/inspect/kernel_set.cpp
    src/inspect/lint.cpp
    src/inspect/lint_calls.cpp
    src/inspect/lint_delays.cpp
    src/inspect/lint_descriptors.cpp
    src/inspect/lint_files.cpp
    src/inspect/lint_hosts.cpp
    src/inspect/lint_rules.cpp
    src/inspect/lint_rules.hpp
    src/inspect/lint_timeouts.cpp
    src/inspect/linter.cpp
    src/inspect/lints.hpp
    src/inspect/local_source.cpp
    src/inspect/message.cpp
    src/inspect/message.hpp
    src/inspect/message_link.cpp
    src/inspect/message_link.hpp
    src/inspect/moment_codec.cpp
    src/inspect/moment_codec.hpp
    src/inspect/moment_fields.hpp
    src/inspect/recorder.cpp
    src/inspect/remote_source.cpp
    src/inspect/site_names.cpp
    src/inspect/site_names.hpp
    src/inspect/site_numbers.hpp
    src/inspect/text_table.cpp
    src/inspect/text_table.hpp
    src/inspect/utf8.hpp
    src/inspect/wire.cpp
    src/inspect/wire.hpp
    src/os/descriptor.cpp # the system's half of inspect/descriptor.hpp
    src/os/descriptor_windows.cpp
    src/os/look_up.cpp # the same of net/resolver.hpp
    src/os/traffic.cpp # for inspect/evidence.hpp
    src/os/traffic.hpp
    src/os/traffic_windows.cpp
    src/os/epoll_listing.cpp # the same of inspect/kernel_set.hpp
    src/os/epoll_listing.hpp
    src/periodic_callback.cpp
    src/scope.cpp
)

# fd.hpp: the width of a descriptor is the platform's, and every user of the loop sees it.
set(platform_files "^ioloop/(src/(poller|os)/|include/ioloop/fd\\.hpp$)")
set(platform_macros "__linux__|__unix__|__ANDROID__|__APPLE__|__MACH__|__[A-Za-z]+BSD__|_WIN32|_WIN64|__CYGWIN__|__EMSCRIPTEN__")
set(platform_headers "^<(sys/|linux/|net/|netinet/|arpa/|mach/|fcntl|poll|pthread|sched|signal|unistd|windows|winsock2|ws2)")
set(frontend_headers "SDL|imgui")

cmake_minimum_required(VERSION 3.24)

if(NOT DEFINED ROOT)
    cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH ROOT)
endif()
set(violations 0)

function(violation file line what)
    message("${file}: ${what}\n    ${line}")
    math(EXPR violations "${violations} + 1")
    set(violations ${violations} PARENT_SCOPE)
endfunction()

# floor_of(<file, from the root> <out>): its floor, or nothing for a file under ioloop/ that has none.
function(floor_of file out)
    set(floor "")
    if(file MATCHES "^(demo|tests)/")
        set(floor 5)
    elseif(file MATCHES "^integration/")
        set(floor 4)
    elseif(file MATCHES "^ioloop/(.*)")
        set(name "${CMAKE_MATCH_1}")
        foreach(number RANGE 3)
            if(name IN_LIST floor_${number})
                set(floor ${number})
            endif()
        endforeach()
    endif()
    set(${out} "${floor}" PARENT_SCOPE)
endfunction()

# resolve(<file> <name as included> <out>): the file of this project that is meant, from the root; or nothing.
function(resolve file name out)
    cmake_path(GET file PARENT_PATH folder)
    set(found "")
    file(GLOB bridges RELATIVE "${ROOT}" "${ROOT}/integration/*/include")
    foreach(place IN LISTS folder bridges ITEMS ioloop/include ioloop/src)
        cmake_path(SET path NORMALIZE "${place}/${name}")
        if(NOT found AND EXISTS "${ROOT}/${path}")
            set(found "${path}")
        endif()
    endforeach()
    set(${out} "${found}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE "${ROOT}"
    "${ROOT}/ioloop/*.[ch]pp" "${ROOT}/integration/*.[ch]pp" "${ROOT}/demo/*.[ch]pp")
if(NOT files)
    message(FATAL_ERROR "no sources under ${ROOT}")
endif()

set(names "")
foreach(file IN LISTS files)
    if(file MATCHES "^ioloop/")
        cmake_path(GET file FILENAME name)
        if(name IN_LIST names)
            violation("${file}" "" "another file under ioloop/ is called ${name} too")
        endif()
        list(APPEND names "${name}")
        if(file MATCHES "^ioloop/src/poller/.*hpp$")
            violation("${file}" "" "a backend has no header")
        endif()
    endif()

    floor_of("${file}" floor)
    if(floor STREQUAL "")
        violation("${file}" "" "has no floor yet: add it to tests/floors.cmake")
        continue()
    endif()

    file(STRINGS "${ROOT}/${file}" directives REGEX "^[ \t]*#[ \t]*(include|if|ifdef|ifndef|elif)[ \t\"<(!]")
    foreach(line IN LISTS directives)
        if(floor LESS 4 AND NOT file MATCHES "${platform_files}" AND line MATCHES "# *(el)?if" AND
                line MATCHES "(^|[^A-Za-z0-9_])(${platform_macros})([^A-Za-z0-9_]|$)")
            violation("${file}" "${line}" "asks for the platform outside src/poller/ and src/os/")
        endif()

        if(NOT line MATCHES "# *include *([<\"])([^>\"]+)")
            continue()
        endif()
        set(name "${CMAKE_MATCH_2}")
        resolve("${file}" "${name}" target)
        if(target STREQUAL "")
            if(floor LESS 4 AND name MATCHES "${frontend_headers}")
                violation("${file}" "${line}" "floor ${floor} knows neither SDL nor Dear ImGui")
            elseif(floor LESS 4 AND NOT file MATCHES "${platform_files}" AND "<${name}" MATCHES "${platform_headers}")
                violation("${file}" "${line}" "a header of the system outside src/poller/ and src/os/")
            endif()
            continue()
        endif()

        floor_of("${target}" target_floor)
        if(target_floor GREATER floor)
            violation("${file}" "${line}" "looks up, from floor ${floor} to floor ${target_floor}")
        elseif(floor GREATER 3 AND target MATCHES "^ioloop/src/")
            violation("${file}" "${line}" "reaches into ioloop/src/, past the public headers")
        elseif(floor EQUAL 3 AND target MATCHES "^ioloop/src/" AND target_floor EQUAL 2)
            violation("${file}" "${line}" "floor 3 lives on the loop's public interface")
        elseif(floor EQUAL 4)
            string(REGEX REPLACE "^(integration/[^/]+/).*" "\\1" bridge "${file}")
            string(FIND "${target}" "${bridge}" position)
            if(target MATCHES "^integration/" AND NOT position EQUAL 0)
                violation("${file}" "${line}" "one bridge knows no other")
            endif()
        endif()
    endforeach()
endforeach()

list(LENGTH files count)
if(violations)
    message(FATAL_ERROR "${violations} violations of the floors, above")
endif()
message(STATUS "${count} files, and none looks up")
