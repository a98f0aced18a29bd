// The RGB LED: a colour for each label, blue while undecided.
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

// The colour that `map` gives a label; white for a label it does not name.
template <size_t N>
Colour colour_of(const char* label, const LabelColour (&map)[N]) {
    for (const LabelColour& entry : map) {
        if (strcmp(entry.label, label) == 0) return entry.colour;
    }
    return Colour::kWhite;
}

inline void show(Colour colour) {
    const auto is = [colour](Colour a, Colour b, Colour c) {
        return colour == a || colour == b || colour == c || colour == Colour::kWhite;
    };
    // the Nano's LED lights on LOW
    digitalWrite(LEDR, is(Colour::kRed, Colour::kYellow, Colour::kMagenta) ? LOW : HIGH);
    digitalWrite(LEDG, is(Colour::kGreen, Colour::kYellow, Colour::kCyan) ? LOW : HIGH);
    digitalWrite(LEDB, is(Colour::kBlue, Colour::kCyan, Colour::kMagenta) ? LOW : HIGH);
}

inline void begin_lights() {
    pinMode(LEDR, OUTPUT);
    pinMode(LEDG, OUTPUT);
    pinMode(LEDB, OUTPUT);
    show(Colour::kOff);
}
