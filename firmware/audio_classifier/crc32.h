// CRC-32 (polynomial 0x04C11DB7, reflected), as zlib computes it.
#pragma once

#include <stdint.h>

// Adds one byte. A checksum starts with 0xFFFFFFFF, and the result is inverted.
inline uint32_t add_to_crc32(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
    return crc;
}
