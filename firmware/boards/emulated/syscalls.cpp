// The functions that newlib expects of an operating system. A library exported by Edge Impulse may allocate memory:
// the RAM between the variables and the reserved stack is the heap.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "hal.h"
#include "machine.h"

extern "C" {
// NOLINTBEGIN(readability-identifier-naming): the names of newlib
extern char heap_begin[], heap_end[];

void* _sbrk(ptrdiff_t bytes) {
    static char* top = heap_begin;
    // NOLINTNEXTLINE(clang-analyzer-security.PointerSub): both are symbols of the linker script in one memory region
    if (bytes > heap_end - top) {
        errno = ENOMEM;
        return reinterpret_cast<void*>(-1);
    }
    char* const old_top = top;
    top += bytes;
    return old_top;
}

int _write(int, const char* text, int count) {
    hal::write(hal::Line::kSerial, reinterpret_cast<const uint8_t*>(text), static_cast<size_t>(count));
    return count;
}

int _read(int, char*, int) { return 0; }
int _close(int) { return -1; }
int _lseek(int, int, int) { return 0; }
int _isatty(int) { return 1; }
int _getpid() { return 1; }

int _fstat(int, struct stat* status) {
    status->st_mode = S_IFCHR;
    return 0;
}

int _kill(int, int) { machine::exit(machine::kFaultStatus); }

[[noreturn]] void _exit(int) { machine::exit(machine::kFaultStatus); }
// NOLINTEND(readability-identifier-naming)
}
