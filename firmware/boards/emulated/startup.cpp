// From reset to main: memory, FPU, constructors. A fault says so on the serial line and ends the emulation.
#include <stdint.h>
#include <string.h>

#include "hal.h"

extern "C" {
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;
extern void (*_init_start[])();
extern void (*_init_end[])();
int main(int, char**);
void reset();
void fault();
}

__attribute__((section(".vectors"), used)) const void* const vectors[16] = {
    &_stack_top,
    reinterpret_cast<const void*>(reset),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
    reinterpret_cast<const void*>(fault),
};

void reset() {
    *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xFu << 20;  // CPACR: full access to the FPU
    asm volatile("dsb; isb");
    memcpy(&_data_start, &_data_load, static_cast<size_t>((&_data_end - &_data_start)) * sizeof(uint32_t));
    memset(&_bss_start, 0, static_cast<size_t>((&_bss_end - &_bss_start)) * sizeof(uint32_t));
    for (auto call = _init_start; call != _init_end; ++call) (*call)();
    main(0, nullptr);
    fault();
}

void fault() {
    static const char text[] = "ERR: processor fault\r\n";
    hal::write(hal::Line::kSerial, reinterpret_cast<const uint8_t*>(text), sizeof(text) - 1);
    *reinterpret_cast<volatile uint32_t*>(0xE000ED0C) = 0x05FA0004;  // AIRCR: reset; QEMU runs with -no-reboot
    for (;;) {
    }
}
