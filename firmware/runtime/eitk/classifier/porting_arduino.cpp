// Platform functions on an Arduino core.
#if defined(ARDUINO)

#include <Arduino.h>
#include <stdarg.h>
#include <stdio.h>

#include "eitk/classifier/porting.h"

__attribute__((weak)) EI_IMPULSE_ERROR ei_sleep(int32_t time_ms) {
    delay(static_cast<unsigned long>(time_ms));
    return EI_IMPULSE_OK;
}

__attribute__((weak)) uint64_t ei_read_timer_ms() { return millis(); }

__attribute__((weak)) uint64_t ei_read_timer_us() { return micros(); }

__attribute__((weak)) void ei_printf(const char* format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length > 0) Serial.print(text);
}

__attribute__((weak)) void ei_printf_float(float value) { Serial.print(value, 6); }

__attribute__((weak)) void ei_putchar(char character) { Serial.write(character); }

#endif
