// The RGB LED: one colour for each label, blue while the result is uncertain.
#pragma once

#include <Arduino.h>
#include <string.h>

enum class Colour { kOff, kRed, kGreen, kBlue, kYellow, kCyan, kMagenta, kWhite };

struct LabelColour {
    const char* label;
    Colour colour;
};

inline const char* colour_name(Colour colour) {
    static const char* const names[] = {"off", "red", "green", "blue", "yellow", "cyan", "magenta", "white"};
    return names[static_cast<int>(colour)];
}

// The colour of a label in `colours`; white for a label that is not there.
template <size_t N>
Colour colour_of(const char* label, const LabelColour (&colours)[N]) {
    for (const LabelColour& entry : colours) {
        if (strcmp(entry.label, label) == 0) return entry.colour;
    }
    return Colour::kWhite;
}

inline void set_led(Colour colour) {
    const auto is_one_of = [colour](Colour a, Colour b, Colour c) {
        return colour == a || colour == b || colour == c || colour == Colour::kWhite;
    };
    // The LED of the Nano 33 BLE is active low.
    digitalWrite(LEDR, is_one_of(Colour::kRed, Colour::kYellow, Colour::kMagenta) ? LOW : HIGH);
    digitalWrite(LEDG, is_one_of(Colour::kGreen, Colour::kYellow, Colour::kCyan) ? LOW : HIGH);
    digitalWrite(LEDB, is_one_of(Colour::kBlue, Colour::kCyan, Colour::kMagenta) ? LOW : HIGH);
}

inline void begin_led() {
    pinMode(LEDR, OUTPUT);
    pinMode(LEDG, OUTPUT);
    pinMode(LEDB, OUTPUT);
    set_led(Colour::kOff);
}
