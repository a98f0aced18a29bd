// Start-up of a Cortex-M4F program: floating-point unit, memory, timer, constructors, main. image.ld defines the
// symbols.
#include "machine.h"

extern "C" {
extern uint32_t data_begin[], data_end[], data_image[], bss_begin[], bss_end[], stack_top[];
extern void (*constructors_begin[])();
extern void (*constructors_end[])();

// ISO C++ does not allow a program to call `main` by that name.
int program_main(int, char**) __asm__("main");

[[noreturn]] void reset();
[[noreturn]] void fault();
}

namespace {

constexpr uint32_t kCoprocessorAccess = 0xE000ED88;  // CPACR
constexpr uint32_t kTimer = 0x40000000;              // CMSDK timer 0: control, value, reload, interrupt

volatile uint32_t& timer_register(uint32_t index) { return machine::memory_register(kTimer + 4 * index); }

}  // namespace

__attribute__((section(".vectors"), used)) const void* const kVectors[16] = {
    stack_top,
    reinterpret_cast<const void*>(reset),
    reinterpret_cast<const void*>(fault),  // non-maskable interrupt
    reinterpret_cast<const void*>(fault),  // hard fault
    reinterpret_cast<const void*>(fault),  // memory management fault
    reinterpret_cast<const void*>(fault),  // bus fault
    reinterpret_cast<const void*>(fault),  // usage fault
};

void reset() {
    machine::memory_register(kCoprocessorAccess) |= 0xFu << 20;  // full access to the floating-point unit
    __asm__ volatile("dsb\n isb");
    const uint32_t* image = data_image;
    for (uint32_t* word = data_begin; word < data_end;) *word++ = *image++;
    for (uint32_t* word = bss_begin; word < bss_end;) *word++ = 0;
    machine::start_timer();
    for (auto* constructor = constructors_begin; constructor != constructors_end; ++constructor) (*constructor)();
    machine::exit(program_main(0, nullptr));
}

void fault() { machine::exit(machine::kFaultStatus); }

namespace machine {

void start_timer() {
    timer_register(2) = 0xFFFFFFFFu;
    timer_register(1) = 0xFFFFFFFFu;
    timer_register(0) = 1;
}

uint32_t timer_ticks() { return 0xFFFFFFFFu - timer_register(1); }

}  // namespace machine
