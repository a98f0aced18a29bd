// Standard input and output of the host. The host has no clock that counts instructions, and reports nothing.
#include <stdio.h>

#include "platform.h"

namespace platform {

bool read_input(void* to, int bytes) {
    return fread(to, 1, static_cast<size_t>(bytes), stdin) == static_cast<size_t>(bytes);
}

void write_output(const void* from, int bytes) { fwrite(from, 1, static_cast<size_t>(bytes), stdout); }

uint32_t ticks() { return 0; }

void fill_unused_stack() {}

uint32_t used_stack() { return 0; }

void report(uint32_t) {}

}  // namespace platform
