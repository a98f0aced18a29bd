// Base64 (RFC 4648, section 4) to a Print.
#pragma once

#include <Arduino.h>

class Base64Encoder {
public:
    explicit Base64Encoder(Print& out) : out_(out) {}

    void add(uint8_t byte) {
        bits_ = (bits_ << 8) | byte;
        if (++bytes_ == 3) write_group();
    }

    void add_int16(int16_t sample) {
        add(static_cast<uint8_t>(sample & 0xFF));
        add(static_cast<uint8_t>((sample >> 8) & 0xFF));
    }

    // Writes what remains, with its padding.
    void finish() {
        if (bytes_ == 0) return;
        bits_ <<= 8 * (3 - bytes_);
        write_group();
    }

private:
    // `bytes_` bytes as four characters.
    void write_group() {
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        uint8_t text[4];
        for (uint32_t i = 0; i < 4; ++i) {
            text[i] = static_cast<uint8_t>(i > bytes_ ? '=' : digits[(bits_ >> (18 - 6 * i)) & 63]);
        }
        out_.write(text, sizeof text);
        bits_ = 0;
        bytes_ = 0;
    }

    Print& out_;
    uint32_t bits_ = 0;
    uint32_t bytes_ = 0;
};
