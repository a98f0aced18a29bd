// Samples in memory that a client on the same machine writes to (POSIX shared memory).
#pragma once

#include <stddef.h>

// There is at most one, so that a signal handler can remove it.
namespace shared_memory {

// Makes room for `count` samples under a new name. Returns null, or the error.
const char* create(size_t count);

// The samples and the name; null while there is no shared memory.
float* samples();
const char* name();

// May be called by a signal handler.
void remove();

}  // namespace shared_memory
