// Platform functions on a POSIX system.
#if !defined(ARDUINO) && (defined(__unix__) || defined(__APPLE__))

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "eitk/classifier/porting.h"

__attribute__((weak)) EI_IMPULSE_ERROR ei_sleep(int32_t time_ms) {
    const timespec pause = {time_ms / 1000, (time_ms % 1000) * 1000000L};
    nanosleep(&pause, nullptr);
    return EI_IMPULSE_OK;
}

__attribute__((weak)) uint64_t ei_read_timer_us() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000u + static_cast<uint64_t>(now.tv_nsec) / 1000u;
}

__attribute__((weak)) uint64_t ei_read_timer_ms() { return ei_read_timer_us() / 1000u; }

__attribute__((weak)) void ei_printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

__attribute__((weak)) void ei_printf_float(float value) { printf("%f", static_cast<double>(value)); }

__attribute__((weak)) void ei_putchar(char character) { putchar(character); }

#endif
