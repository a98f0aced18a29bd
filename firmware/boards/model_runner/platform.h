// What run_model.cpp requires of the machine that it runs on.
#pragma once

#include <stdint.h>

namespace platform {

// Reads one input of `bytes` bytes. False at the end of the inputs.
bool read_input(void* to, int bytes);

void write_output(const void* from, int bytes);

// Ticks of a free-running timer; always 0 on a platform that has none.
uint32_t ticks();

// Fills the unused stack with a pattern; `used_stack` then returns how many bytes of it have been overwritten.
// `used_stack` is 0 on a platform that cannot measure it.
void fill_unused_stack();
uint32_t used_stack();

// Adds one number to the report that the caller of the program reads.
void report(uint32_t value);

}  // namespace platform
