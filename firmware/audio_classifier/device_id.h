// The device id: an address in the form of Edge Impulse's firmware, the same after every reset.
#pragma once

#include <Arduino.h>
#include <stdint.h>

#include "crc32.h"
#include "eitk_config.h"

#ifdef ARDUINO_ARCH_MBED
#include <nrf.h>
#endif

// Writes the address as 17 characters and a zero. That of the nRF52840 is its Bluetooth address. A virtual board has
// none: its address is computed from its name, and marked as locally administered (02).
inline void write_device_id(char (&text)[18]) {
    uint8_t address[6];
#ifdef ARDUINO_ARCH_MBED
    const uint32_t low = NRF_FICR->DEVICEADDR[0], high = NRF_FICR->DEVICEADDR[1];
    for (int i = 0; i < 4; ++i) address[5 - i] = static_cast<uint8_t>(low >> (8 * i));
    address[1] = static_cast<uint8_t>(high);
    address[0] = static_cast<uint8_t>((high >> 8) | 0xC0);  // the two highest bits of a static random address
#else
    uint32_t crc = 0xFFFFFFFFu;
    for (const char* c = config::kBoard; *c != 0; ++c) crc = add_to_crc32(crc, static_cast<uint8_t>(*c));
    for (int i = 0; i < 4; ++i) address[5 - i] = static_cast<uint8_t>(crc >> (8 * i));
    address[1] = 0;
    address[0] = 0x02;
#endif
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 6; ++i) {
        text[3 * i] = digits[address[i] >> 4];
        text[3 * i + 1] = digits[address[i] & 15];
        text[3 * i + 2] = ':';
    }
    text[17] = 0;
}
