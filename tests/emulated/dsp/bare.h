// The emulated Cortex-M4F without a board: start-up, files and exit by semihosting, and a count of instructions.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace bare {

size_t read_file(const char* name, void* out, size_t size);
void write_file(const char* name, const void* data, size_t size);
[[noreturn]] void leave();

// Instructions since the start. Exact under -icount shift=10: one is 1024 ns, and the timer counts 40 ns.
uint64_t instructions();

}  // namespace bare
