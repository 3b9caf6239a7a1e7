# Puts the poller over kqueue into the library on Linux, over an emulation. For tests alone.
target_sources(ioloop PRIVATE
    ${PROJECT_SOURCE_DIR}/ioloop/src/poller/kqueue.cpp
    ${CMAKE_CURRENT_LIST_DIR}/kqueue.cpp)
target_include_directories(ioloop SYSTEM PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_compile_definitions(ioloop PRIVATE IOLOOP_KQUEUE_EMULATION)
target_link_libraries(ioloop PRIVATE ${CMAKE_DL_LIBS})
