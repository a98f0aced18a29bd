// JSON values on the serial line.
#pragma once

#include <Arduino.h>

// Prints at most `max_length` bytes of UTF-8 text as a JSON string.
inline void print_json_string(Print& out, const char* text, size_t max_length = SIZE_MAX) {
    static const char digits[] = "0123456789abcdef";
    out.print('"');
    for (size_t i = 0; i < max_length && text[i] != 0; ++i) {
        const unsigned char c = static_cast<unsigned char>(text[i]);
        if (c < ' ' || c == 0x7F) {
            out.print(F("\\u00"));
            out.print(digits[c >> 4]);
            out.print(digits[c & 0xF]);
        } else {
            if (c == '"' || c == '\\') out.print('\\');
            out.print(text[i]);
        }
    }
    out.print('"');
}

// Arduino's Print has no 64-bit integers on every core.
inline void print_uint64(Print& out, uint64_t value) {
    char text[21];
    char* digit = text + sizeof(text) - 1;
    *digit = 0;
    do {
        *--digit = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value > 0);
    out.print(digit);
}
