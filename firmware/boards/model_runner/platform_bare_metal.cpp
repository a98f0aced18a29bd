// Cortex-M4F under QEMU: the files input.bin, output.bin and report.bin, and the machine's timer.
#include "machine.h"
#include "platform.h"
#include "semihosting.h"

extern "C" uint32_t bss_end[];

namespace {

constexpr uint32_t kStackPattern = 0xA5A5A5A5u;

uint32_t stack_pointer() {
    uint32_t sp = 0;  // NOLINT(misc-const-correctness): the assembler writes to it
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

}  // namespace

namespace platform {

bool read_input(void* to, int bytes) {
    static const int32_t file = semihosting::open("input.bin", semihosting::Mode::kRead);
    return semihosting::read(file, to, static_cast<size_t>(bytes)) == static_cast<size_t>(bytes);
}

void write_output(const void* from, int bytes) {
    static const int32_t file = semihosting::open("output.bin", semihosting::Mode::kWrite);
    semihosting::write(file, from, static_cast<size_t>(bytes));
}

void report(uint32_t value) {
    static const int32_t file = semihosting::open("report.bin", semihosting::Mode::kWrite);
    semihosting::write(file, &value, sizeof(value));
}

uint32_t ticks() { return machine::timer_ticks(); }

void fill_unused_stack() {
    for (uint32_t* word = bss_end; word < reinterpret_cast<uint32_t*>(stack_pointer() - 64); ++word) {
        *word = kStackPattern;
    }
}

uint32_t used_stack() {
    const uint32_t* word = bss_end;
    while (*word == kStackPattern) ++word;
    return stack_pointer() - reinterpret_cast<uint32_t>(word);
}

}  // namespace platform
