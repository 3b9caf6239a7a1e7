# For the 32 bits of the machine at hand: g++-multilib builds, the machine itself runs.   See .ci/matrix.
set(CMAKE_SYSTEM_NAME ${CMAKE_HOST_SYSTEM_NAME})
set(CMAKE_SYSTEM_PROCESSOR i686) # so it counts as cross-compiling, and GoogleTest is built from its sources
set(CMAKE_C_COMPILER gcc -m32)
set(CMAKE_CXX_COMPILER g++ -m32)
