# Holds tests/conformance.md to the tests that there are:   cmake -P tests/conformance.cmake
#
# Every rule and every test of Tornado's that is listed here has one row. A row names at least one test, or says "None:"
# and why; and every test that it names is in a file that tests/CMakeLists.txt builds.
cmake_minimum_required(VERSION 3.24)

if(NOT DEFINED TABLE)
    set(TABLE "${CMAKE_CURRENT_LIST_DIR}/conformance.md")
endif()
set(faults 0)

function(fault what)
    message("${what}")
    math(EXPR faults "${faults} + 1")
    set(faults ${faults} PARENT_SCOPE)
endfunction()

# ---- what must be there -----------------------------------------------------------------------------------

set(ids "")
foreach(chapter IN ITEMS E=6 C=13 H=11 B=11 T=12 PC=6 R=11 W=13 S=7 F=23 G=4 N=8)
    string(REGEX MATCH "^([A-Z]+)=([0-9]+)$" chapter "${chapter}")
    foreach(number RANGE 1 ${CMAKE_MATCH_2})
        list(APPEND ids "${CMAKE_MATCH_1}${number}")
    endforeach()
endforeach()

# tests_of(<class> <name without "test_">...)
macro(tests_of class)
    foreach(name IN ITEMS ${ARGN})
        list(APPEND ids "${class}.test_${name}")
    endforeach()
endmacro()
tests_of(TestIOLoop add_callback_wakeup add_timeout_timedelta multiple_add add_callback_wakeup_other_thread
    remove_without_add add_callback_from_signal add_callback_from_signal_other_thread add_callback_while_closing
    handle_callback_exception read_while_writeable remove_timeout_after_fire remove_timeout_cleanup
    timeout_with_arguments close_file_object handler_callback_file_object mixed_fd_fileobj reentrant
    exception_logging exception_logging_future exception_logging_native_coro spawn_callback add_timeout_return
    call_at_return call_later_return remove_timeout_from_timeout remove_handler_from_handler
    add_callback_return_sequence init_close_race explicit_asyncio_loop)
tests_of(TestIOLoopCurrent current default_current non_current force_current)
tests_of(TestIOLoopCurrentAsync clear_without_current)
tests_of(TestIOLoopAddCallback pre_wrap pre_wrap_with_args)
tests_of(TestIOLoopAddCallbackFromSignal pre_wrap pre_wrap_with_args)
tests_of(TestIOLoopFutures add_future_threads add_future_stack_context run_in_executor_gen run_in_executor_native
    set_default_executor)
tests_of(TestIOLoopRunSync sync_result sync_exception async_result async_exception current timeout native_coroutine
    stop_no_timeout)
tests_of(TestPeriodicCallback basic overrun io_loop_set_at_start)
tests_of(TestPeriodicCallbackMath basic overrun clock_backwards jitter timedelta)
tests_of(TestPeriodicCallbackAsync periodic_plain periodic_coro periodic_async)
tests_of(TestIOLoopConfiguration default explicit_select asyncio asyncio_main twisted)
tests_of(HTTPStackContextTest stack_context)
tests_of(StackContextTest exit_library_context deactivate deactivate_order isolation_nonempty isolation_empty
    yield_in_with yield_in_with_exception_stack_context yield_outside_with
    yield_outside_with_exception_stack_context run_with_stack_context)
tests_of(TCPClientTest connect_ipv4_ipv4 connect_ipv4_dual connect_ipv6_ipv6 connect_ipv6_dual connect_unspec_ipv4
    connect_unspec_ipv6 connect_unspec_dual refused_ipv4 source_ip_fail source_ip_success source_port_fail
    connect_timeout)
tests_of(TestConnectorSplit one_family mixed)
tests_of(ConnectorTest immediate_success immediate_failure one_family_second_try one_family_second_try_failure
    one_family_second_try_timeout two_families_immediate_failure two_families_timeout success_after_timeout
    all_fail one_family_timeout_after_connect_timeout one_family_success_before_connect_timeout
    one_family_second_try_after_connect_timeout one_family_second_try_failure_before_connect_timeout
    two_family_timeout_before_connect_timeout two_family_success_after_timeout
    two_family_timeout_after_connect_timeout)
tests_of(TCPServerTest stop_twice stop_in_callback handle_stream_coroutine_logging)
tests_of(NetutilTest localhost bad_host same_port_allocation reuse_port is_valid_ip resolve_multiaddr)
tests_of(TestIOStreamMixin connection_closed close_buffered_data delayed_close_callback
    future_delayed_close_callback read_until_close read_until_close_after_close future_read_until_close
    streaming_until_close streaming_read_until_close_after_close read_zero_bytes write_zero_bytes
    read_into_zero_bytes write_while_connecting future_interface future_close_while_reading
    future_close_callback close_callback_with_pending_read connection_refused gaierror read_bytes_partial
    read_into read_into_partial many_mixed_reads read_until_max_bytes read_until_max_bytes_inline
    read_until_max_bytes_ignores_extra read_until_regex_max_bytes read_until_regex_max_bytes_inline
    read_until_regex_max_bytes_ignores_extra small_reads_from_large_buffer small_read_untils_from_large_buffer
    flow_control large_read_until read_until_with_close_after_second_packet read_until_unsatisfied_after_close
    future_write write_memoryview inline_read_error async_read_error_logging read_until_close_with_error
    read_callback_error typed_memoryview)
tests_of(TestPipeIOStream pipe_iostream pipe_iostream_big_write)
tests_of(TestStreamBuffer small large)

# ---- what tests there are ---------------------------------------------------------------------------------

# From the sources rather than from ctest, so that a build without SDL or without kqueue judges alike.
set(titles "")
file(GLOB_RECURSE sources RELATIVE "${CMAKE_CURRENT_LIST_DIR}" "${CMAKE_CURRENT_LIST_DIR}/*.cpp")
file(READ "${CMAKE_CURRENT_LIST_DIR}/CMakeLists.txt" built)
file(READ "${CMAKE_CURRENT_LIST_DIR}/integration/arena.cmake" more)
string(REGEX REPLACE "#[^\n]*" "" built "${built}\n${more}")
foreach(source IN LISTS sources)
    cmake_path(REMOVE_EXTENSION source OUTPUT_VARIABLE name)
    if(NOT built MATCHES "[( ]${name}[ .)\n]")
        continue()
    endif()
    file(READ "${CMAKE_CURRENT_LIST_DIR}/${source}" text)
    string(REGEX MATCHALL "\n(TEST|TEST_F|TEST_P)\\([ \n]*[A-Za-z0-9_]+,[ \n]*[A-Za-z0-9_]+\\)" found "\n${text}")
    foreach(test IN LISTS found)
        string(REGEX REPLACE "\n[A-Z_]+\\([ \n]*([A-Za-z0-9_]+),[ \n]*([A-Za-z0-9_]+)\\)" "\\1.\\2" test "${test}")
        list(APPEND titles "${test}")
    endforeach()
endforeach()
list(LENGTH titles titles_count)
if(titles_count LESS 100)
    message(FATAL_ERROR "only ${titles_count} tests found under ${CMAKE_CURRENT_LIST_DIR}: this script cannot read them")
endif()

# ---- the table --------------------------------------------------------------------------------------------

set(seen "")
set(named "")
file(STRINGS "${TABLE}" rows REGEX "^\\| [A-Za-z0-9_.]+ \\|" ENCODING UTF-8)
foreach(row IN LISTS rows)
    if(NOT row MATCHES "^\\| ([A-Za-z0-9_.]+) \\| ([^|]+) \\| ([^|]+) \\|$")
        fault("not three columns: ${row}")
        continue()
    endif()
    set(id "${CMAKE_MATCH_1}")
    set(shown_by "${CMAKE_MATCH_3}")
    if(id STREQUAL "id")
        continue()
    endif()
    if(NOT id IN_LIST ids)
        fault("${id}: no such rule")
    elseif(id IN_LIST seen)
        fault("${id}: two rows")
    endif()
    list(APPEND seen "${id}")

    string(REGEX MATCHALL "`[^`]+`" tests "${shown_by}")
    if(NOT tests AND NOT shown_by MATCHES "^None: .")
        fault("${id}: neither a test nor a reason why there is none")
    endif()
    foreach(test IN LISTS tests)
        string(REPLACE "`" "" test "${test}")
        if(NOT test IN_LIST titles)
            fault("${id}: there is no test ${test}")
        endif()
        list(APPEND named "${test}")
    endforeach()
endforeach()
foreach(id IN LISTS ids)
    if(NOT id IN_LIST seen)
        fault("${id}: no row")
    endif()
endforeach()

list(LENGTH seen rows_count)
list(REMOVE_DUPLICATES named)
list(LENGTH named named_count)
if(faults)
    message(FATAL_ERROR "${faults} faults in ${TABLE}, above")
endif()
message(STATUS "${rows_count} rows, which name ${named_count} tests, and all of them exist")
