# ioloop_add_imgui_inspector(<imgui target>): compiles the inspector against this Dear ImGui, as ioloop::imgui.
#
# Dear ImGui's binary interface follows the imconfig.h of the program, and its context is one for each module; so
# the inspector is always a static library, and its sources are installed for those who bring their own Dear ImGui.
# This file lies beside these sources, in the source tree as in an installed prefix, and works the same in both.
function(ioloop_add_imgui_inspector imgui)
    if(TARGET ioloop::imgui)
        message(FATAL_ERROR "ioloop_add_imgui_inspector(${imgui}): ioloop::imgui is here already. "
            "Leave the component (IOLOOP_IMGUI, or COMPONENTS imgui) out to compile it against ${imgui}.")
    endif()

    set(here ${CMAKE_CURRENT_FUNCTION_LIST_DIR})
    add_library(ioloop_imgui STATIC)
    add_library(ioloop::imgui ALIAS ioloop_imgui)

    target_sources(ioloop_imgui
        PUBLIC
            FILE_SET HEADERS
            BASE_DIRS ${here}/include
            FILES
                ${here}/include/ioloop/imgui.hpp
        PRIVATE
            ${here}/inspector.cpp
            # what to show
            ${here}/model/breakpoint_text.cpp
            ${here}/model/filter.cpp
            ${here}/model/history.cpp
            ${here}/model/journal.cpp
            ${here}/model/selection.cpp
            ${here}/model/site_list.cpp
            ${here}/model/slow_log.cpp
            ${here}/model/verdict.cpp
            ${here}/model/view.cpp
            # how
            ${here}/panel/breaks.cpp
            ${here}/panel/callbacks_table.cpp
            ${here}/panel/descriptors_table.cpp
            ${here}/panel/detail_pane.cpp
            ${here}/panel/header_line.cpp
            ${here}/panel/health_page.cpp
            ${here}/panel/journal_table.cpp
            ${here}/panel/lints_table.cpp
            ${here}/panel/site_detail.cpp
            ${here}/panel/sites_table.cpp
            ${here}/panel/slow_table.cpp
            ${here}/panel/keyboard.cpp
            ${here}/panel/object_actions.cpp
            ${here}/panel/owner_detail.cpp
            ${here}/panel/scopes_table.cpp
            ${here}/panel/table.cpp
            ${here}/panel/tasks_table.cpp
            ${here}/panel/timeline.cpp
            ${here}/panel/timeouts_table.cpp
            ${here}/panel/toolbar.cpp
            ${here}/panel/turn_page.cpp
            ${here}/panel/trigger.cpp
            ${here}/panel/ui.cpp
    )
    set_target_properties(ioloop_imgui PROPERTIES UNITY_BUILD OFF) # each table's file calls its columns by the same names
    target_include_directories(ioloop_imgui PRIVATE ${here})
    target_link_libraries(ioloop_imgui PUBLIC ioloop::ioloop ${imgui})
endfunction()
