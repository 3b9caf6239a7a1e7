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

# Optimised, for else each inline function is a section in each file, over which GNU ld takes five seconds a program, not half
# of one. (gcc 12 sees strings overlap or overflow then, its bug 105651, and the like.)
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -Wno-array-bounds -Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow" CACHE STRING "")

# The compiler's libraries go into the program: there is no path to their DLLs.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/wine)
