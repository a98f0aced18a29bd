#include "semihosting.h"

#include <string.h>

#include "machine.h"

namespace {

enum Operation : uint32_t { kOpen = 0x01, kClose = 0x02, kWrite = 0x05, kRead = 0x06, kExitExtended = 0x20 };

constexpr uint32_t kApplicationExit = 0x20026;

int32_t call(Operation operation, const void* arguments) {
    // NOLINTNEXTLINE(misc-const-correctness): the assembler writes the result to it
    register int32_t r0 __asm__("r0") = static_cast<int32_t>(operation);
    register const void* r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

// The operation returns the number of bytes that it did not transfer.
size_t transfer(Operation operation, int32_t file, const void* memory, size_t bytes) {
    const uint32_t arguments[] = {static_cast<uint32_t>(file), reinterpret_cast<uint32_t>(memory), bytes};
    return bytes - static_cast<size_t>(call(operation, arguments));
}

}  // namespace

namespace semihosting {

int32_t open(const char* name, Mode mode) {
    const uint32_t arguments[] = {reinterpret_cast<uint32_t>(name), static_cast<uint32_t>(mode), strlen(name)};
    return call(kOpen, arguments);
}

void close(int32_t file) { call(kClose, &file); }

size_t read(int32_t file, void* to, size_t bytes) { return transfer(kRead, file, to, bytes); }

size_t write(int32_t file, const void* from, size_t bytes) { return transfer(kWrite, file, from, bytes); }

}  // namespace semihosting

namespace machine {

void exit(int status) {
    const uint32_t arguments[] = {kApplicationExit, static_cast<uint32_t>(status)};
    call(kExitExtended, arguments);
    for (;;) {
    }
}

}  // namespace machine
