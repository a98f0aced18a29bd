// What newlib asks of an operating system. A library of Edge Impulse may allocate: what RAM is left over is the heap.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "hal.h"

extern "C" {
extern char _heap_start[], _heap_end[];
void fault();

void* _sbrk(ptrdiff_t bytes) {
    static char* top = _heap_start;
    if (bytes > _heap_end - top) {
        errno = ENOMEM;
        return reinterpret_cast<void*>(-1);
    }
    char* const old = top;
    top += bytes;
    return old;
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

int _kill(int, int) {
    fault();
    return -1;
}

[[noreturn]] void _exit(int) {
    fault();
    for (;;) {
    }
}
}
