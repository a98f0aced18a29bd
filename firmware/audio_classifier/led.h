// The RGB LED: one colour for each label, blue while the result is uncertain.
#pragma once

#include <Arduino.h>
#include <stdint.h>
#include <string.h>

// The name of a colour and the light of the three parts of the LED, 0 to 255; eitk_config.h has those of the labels.
struct Colour {
    const char* name;
    uint8_t red, green, blue;
};

constexpr Colour kLedOff = {"off", 0, 0, 0};
constexpr Colour kLedBlue = {"blue", 0, 0, 255};
constexpr Colour kLedWhite = {"white", 255, 255, 255};

struct LabelColour {
    const char* label;
    Colour colour;
};

// The colour of a label in `colours`; white for a label that is not there.
template <size_t N>
Colour colour_of(const char* label, const LabelColour (&colours)[N]) {
    for (const LabelColour& entry : colours) {
        if (strcmp(entry.label, label) == 0) return entry.colour;
    }
    return kLedWhite;
}

// The LED of the Nano 33 BLE is active low.
inline void set_led(const Colour& colour) {
    analogWrite(LEDR, 255 - colour.red);
    analogWrite(LEDG, 255 - colour.green);
    analogWrite(LEDB, 255 - colour.blue);
}

inline void begin_led() {
    pinMode(LEDR, OUTPUT);
    pinMode(LEDG, OUTPUT);
    pinMode(LEDB, OUTPUT);
    set_led(kLedOff);
}
