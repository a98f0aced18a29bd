# The library that the sketch and the examples use: EITK_LIBRARY, or a small one that Python generates now. Defines
# EITK_LIBRARY_SOURCES, its folder `src`, and add_generated_library(NAME PLATFORM).

if(EITK_LIBRARY)
    set(EITK_LIBRARY_SOURCES ${EITK_LIBRARY}/src)
else()
    find_package(Python3 COMPONENTS Interpreter)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/generated_library)
    execute_process(
        COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/generate_library.py ${generated}
        RESULT_VARIABLE status ERROR_VARIABLE message)
    if(status EQUAL 0)
        set(EITK_LIBRARY_SOURCES ${generated}/src)
    else()
        message(WARNING "Without a generated library only the runtime is built. Set Python3_EXECUTABLE to a Python "
            "that has eitk[firmware], or EITK_LIBRARY to a generated library.\n${message}")
    endif()
endif()

if(EITK_LIBRARY_SOURCES)
    if(NOT EXISTS ${EITK_LIBRARY_SOURCES}/model-parameters/model_metadata.h)
        message(FATAL_ERROR "${EITK_LIBRARY_SOURCES} does not contain a library that eitk generated")
    endif()
    # Examples include <Project_inferencing.h>, the sketch includes <Music_Genre_Classifier_inferencing.h>. Both lead to
    # the header of this library, whatever its project is called.
    file(GLOB header ${EITK_LIBRARY_SOURCES}/*_inferencing.h)
    set(EITK_LIBRARY_HEADERS ${CMAKE_CURRENT_BINARY_DIR}/library_headers)
    foreach(name Project Music_Genre_Classifier)
        file(CONFIGURE OUTPUT ${EITK_LIBRARY_HEADERS}/${name}_inferencing.h
            CONTENT "#pragma once\n#include \"@header@\"\n" @ONLY)
    endforeach()
endif()

# The generated files with the runtime of this tree, compiled for the platform that the target PLATFORM stands for:
# the Arduino core, or a POSIX system.
function(add_generated_library name platform)
    file(GLOB classifier CONFIGURE_DEPENDS runtime/eitk/classifier/*.cpp)
    add_library(${name} STATIC ${classifier}
        ${EITK_LIBRARY_SOURCES}/model-parameters/model_variables.cpp ${EITK_LIBRARY_SOURCES}/tflite-model/model.cpp)
    target_include_directories(${name} PUBLIC runtime ${EITK_LIBRARY_SOURCES} ${EITK_LIBRARY_HEADERS})
    target_link_libraries(${name} PUBLIC eitk_dsp PRIVATE ${platform})
endfunction()
