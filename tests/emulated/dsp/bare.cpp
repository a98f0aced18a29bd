#include "bare.h"

#include <string.h>

extern "C" {
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;
int main();
void reset();
}

__attribute__((section(".vectors"), used)) const void* const vectors[4] = {
    &_stack_top, reinterpret_cast<const void*>(reset), reinterpret_cast<const void*>(bare::leave),
    reinterpret_cast<const void*>(bare::leave)};

namespace {

volatile uint32_t* const kTimer = reinterpret_cast<uint32_t*>(0x40000000);  // control, value, reload

intptr_t call(int operation, const void* arguments) {
    register intptr_t r0 asm("r0") = operation;
    register const void* r1 asm("r1") = arguments;
    asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

intptr_t open(const char* name, int mode) {
    const uintptr_t arguments[] = {reinterpret_cast<uintptr_t>(name), static_cast<uintptr_t>(mode), strlen(name)};
    return call(0x01, arguments);
}

void close(intptr_t file) {
    const intptr_t arguments[] = {file};
    call(0x02, arguments);
}

}  // namespace

void reset() {
    *reinterpret_cast<volatile uint32_t*>(0xE000ED88) |= 0xFu << 20;  // CPACR: full access to the FPU
    asm volatile("dsb; isb");
    memcpy(&_data_start, &_data_load, static_cast<size_t>(&_data_end - &_data_start) * sizeof(uint32_t));
    memset(&_bss_start, 0, static_cast<size_t>(&_bss_end - &_bss_start) * sizeof(uint32_t));
    kTimer[2] = 0xFFFFFFFFu;
    kTimer[1] = 0xFFFFFFFFu;
    kTimer[0] = 1;
    main();
    bare::leave();
}

namespace bare {

size_t read_file(const char* name, void* out, size_t size) {
    const intptr_t file = open(name, 1);
    const uintptr_t arguments[] = {static_cast<uintptr_t>(file), reinterpret_cast<uintptr_t>(out), size};
    const size_t missing = static_cast<size_t>(call(0x06, arguments));
    close(file);
    return size - missing;
}

void write_file(const char* name, const void* data, size_t size) {
    const intptr_t file = open(name, 5);
    const uintptr_t arguments[] = {static_cast<uintptr_t>(file), reinterpret_cast<uintptr_t>(data), size};
    call(0x05, arguments);
    close(file);
}

void leave() {
    call(0x18, reinterpret_cast<const void*>(0x20026));
    for (;;) {
    }
}

uint64_t instructions() { return static_cast<uint64_t>(0xFFFFFFFFu - kTimer[1]) * 5 / 128; }

}  // namespace bare
