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
    constexpr uint32_t kBillion = 1000000000;
    if (value < kBillion) {
        out.print(static_cast<unsigned long>(value));
        return;
    }
    print_uint64(out, value / kBillion);
    const uint32_t low_digits = static_cast<uint32_t>(value % kBillion);
    for (uint32_t unit = kBillion / 10; unit > 0; unit /= 10) {
        out.print(static_cast<char>('0' + low_digits / unit % 10));
    }
}
