# Compiles every header in a file of its own, so that each one includes what it uses. Headers are named as sources include them:
# relative to an include directory. scripts/tidy compiles them with Clang; a build of everything leaves them out.
add_library(header_checks OBJECT EXCLUDE_FROM_ALL)
configure_file(.clang-tidy header_checks/.clang-tidy COPYONLY)  # for the kernels, which no other source includes

function(check_headers include_folder)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/${include_folder}
        ${PROJECT_SOURCE_DIR}/${include_folder}/*.h)
    foreach(header ${headers})
        string(MAKE_C_IDENTIFIER ${include_folder}/${header} name)
        set(source ${PROJECT_BINARY_DIR}/header_checks/${name}.cpp)
        file(CONFIGURE OUTPUT ${source} CONTENT "#include \"@header@\"\n" @ONLY)
        target_sources(header_checks PRIVATE ${source})
    endforeach()
    target_include_directories(header_checks PRIVATE ${include_folder})
endfunction()

check_headers(runtime)
check_headers(boards/core)
check_headers(boards/model_runner)
if(CMAKE_CROSSCOMPILING)
    check_headers(boards/bare_metal)
else()
    check_headers(linux_runner)
endif()
check_headers(audio_classifier)
target_link_libraries(header_checks PRIVATE library_for_sketches arduino_core)
