#include "Print.h"

#include <string.h>

size_t Print::write(const char* text) { return write(reinterpret_cast<const uint8_t*>(text), strlen(text)); }

size_t Print::print(long value, int base) {
    if (value >= 0 || base != DEC) return print(static_cast<unsigned long>(value), base);
    return print('-') + print(0ul - static_cast<unsigned long>(value), base);
}

size_t Print::print(unsigned long value, int base) {
    char text[8 * sizeof(value) + 1];
    char* start = text + sizeof(text) - 1;
    *start = 0;
    do {
        const unsigned digit = static_cast<unsigned>(value % static_cast<unsigned long>(base));
        *--start = static_cast<char>(digit < 10 ? '0' + digit : 'A' + digit - 10);
        value /= static_cast<unsigned long>(base);
    } while (value > 0);
    return write(start);
}

size_t Print::print(double value, int digits) {
    if (value != value) return print("nan");
    if (value > 4294967040.0 || value < -4294967040.0) return print("ovf");
    size_t count = 0;
    if (value < 0.0) {
        count += print('-');
        value = -value;
    }
    double rounding = 0.5;
    for (int i = 0; i < digits; ++i) rounding /= 10.0;
    value += rounding;
    const unsigned long whole = static_cast<unsigned long>(value);
    count += print(whole);
    if (digits > 0) count += print('.');
    double rest = value - static_cast<double>(whole);
    for (int i = 0; i < digits; ++i) {
        rest *= 10.0;
        const int digit = static_cast<int>(rest);
        count += print(static_cast<char>('0' + digit));
        rest -= digit;
    }
    return count;
}
