// What run_model.cpp needs of the machine it runs on.
#pragma once

#include <stdint.h>

namespace platform {

// Reads the next input, all of its bytes; false at the end of the inputs.
bool read_input(void* to, int bytes);

void write_output(const void* from, int bytes);

// Ticks of a free-running clock; 0 always where there is none.
uint32_t ticks();

// Marks the unused stack, and tells later how many bytes of it were used. 0 where it cannot be known.
void paint_stack();
uint32_t used_stack();

// Writes one measurement where the caller of the program finds it.
void report(uint32_t value);

}  // namespace platform
