// The emulated Cortex-M4F without an operating system: QEMU's machine mps2-an386.
#pragma once

#include <stdint.h>

namespace machine {

// The processor took a fault (or an exception without a handler), and the program cannot continue.
constexpr int kFaultStatus = 99;

// Ends the program. Each program links one definition: boards/bare_metal/semihosting.cpp for programs that use files
// of the host, boards/emulated/hal.cpp for sketches.
[[noreturn]] void exit(int status);

// A memory-mapped register.
inline volatile uint32_t& memory_register(uint32_t address) { return *reinterpret_cast<volatile uint32_t*>(address); }

// A timer that counts up at 25 MHz and wraps after 171 seconds. With QEMU's option -icount shift=10 an instruction
// takes 1024 ns, so that 128 ticks are five instructions.
constexpr uint32_t kTicksPerMicrosecond = 25;
void start_timer();
uint32_t timer_ticks();

}  // namespace machine
