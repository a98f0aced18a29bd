// Formatted output as in Arduino's Print, without memory allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

class __FlashStringHelper;  // NOLINT(bugprone-reserved-identifier): Arduino's name
#define F(text) (reinterpret_cast<const __FlashStringHelper*>(text))

#define DEC 10
#define HEX 16

class Print {
public:
    virtual size_t write(uint8_t byte) = 0;
    virtual size_t write(const uint8_t* bytes, size_t count) = 0;
    size_t write(const char* text);

    size_t print(const char* text) { return write(text); }
    size_t print(const __FlashStringHelper* text) { return write(reinterpret_cast<const char*>(text)); }
    size_t print(char c) { return write(static_cast<uint8_t>(c)); }
    size_t print(int value, int base = DEC) { return print(static_cast<long>(value), base); }
    size_t print(unsigned value, int base = DEC) { return print(static_cast<unsigned long>(value), base); }
    size_t print(long value, int base = DEC);
    size_t print(unsigned long value, int base = DEC);
    size_t print(double value, int digits = 2);

    size_t println() { return write("\r\n"); }
    template <typename T>
    size_t println(T value) {
        return print(value) + println();
    }
    template <typename T>
    size_t println(T value, int format) {
        return print(value, format) + println();
    }

protected:
    ~Print() = default;
};
