# For Windows from Linux: Debian's g++-mingw-w64-x86-64-posix builds, wine64 runs.   cmake --preset mingw
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix) # the one with std::thread
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

set(CMAKE_CXX_FLAGS_DEBUG -g1 CACHE STRING "")

# The compiler's libraries go into the program: there is no path to their DLLs.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

# GNU ld takes five seconds a program, where each inline function is a section in each file; LLVM's a tenth of one.
find_program(IOLOOP_LLD ld.lld)
mark_as_advanced(IOLOOP_LLD)
if(IOLOOP_LLD)
    string(APPEND CMAKE_EXE_LINKER_FLAGS_INIT " -B${CMAKE_CURRENT_LIST_DIR}/mingw -fno-use-linker-plugin")
endif()

set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/wine)
