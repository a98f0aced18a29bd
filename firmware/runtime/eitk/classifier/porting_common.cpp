// Platform functions that are the same everywhere.
#include <stdlib.h>

#include "eitk/classifier/porting.h"

__attribute__((weak)) EI_IMPULSE_ERROR ei_run_impulse_check_canceled() { return EI_IMPULSE_OK; }

__attribute__((weak)) void* ei_malloc(size_t size) { return malloc(size); }

__attribute__((weak)) void* ei_calloc(size_t count, size_t size) { return calloc(count, size); }

__attribute__((weak)) void ei_free(void* pointer) { free(pointer); }
