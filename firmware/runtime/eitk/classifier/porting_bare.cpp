// Platform functions without an operating system: no clock, and no output unless the board defines ei_putchar.
#if !defined(ARDUINO) && !defined(__unix__) && !defined(__APPLE__)

#include <stdarg.h>
#include <stdio.h>

#include "eitk/classifier/porting.h"

__attribute__((weak)) void ei_putchar(char character) { (void)character; }

__attribute__((weak)) uint64_t ei_read_timer_us() { return 0; }

__attribute__((weak)) uint64_t ei_read_timer_ms() { return ei_read_timer_us() / 1000u; }

// There is no clock to wait for.
__attribute__((weak)) EI_IMPULSE_ERROR ei_sleep(int32_t time_ms) {
    (void)time_ms;
    return EI_IMPULSE_OK;
}

__attribute__((weak)) void ei_printf(const char* format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (const char* at = text; *at != '\0'; ++at) ei_putchar(*at);
}

__attribute__((weak)) void ei_printf_float(float value) { ei_printf("%f", static_cast<double>(value)); }

#endif
