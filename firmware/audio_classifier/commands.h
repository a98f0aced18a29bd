// Commands on the serial line, one a line. What is not a command is ignored, however long or broken it is.
#pragma once

#include <Arduino.h>
#include <string.h>

struct Command {
    char name = 0;  // '?', 'c', 's', 'r' or 't'; 0 is none
    bool has_value = false;
    float value = 0;
};

class CommandLine {
public:
    // The command that a line just completed, if any.
    Command poll() {
        while (Serial.available() > 0) {
            const int c = Serial.read();
            if (c == '\n' || c == '\r') {
                const Command command = parse();
                length_ = 0;
                spoilt_ = false;
                if (command.name != 0) return command;
            } else if (c < ' ' || c > '~' || length_ + 1 >= static_cast<int>(sizeof(text_))) {
                spoilt_ = true;
            } else {
                text_[length_++] = static_cast<char>(c);
            }
        }
        return Command{};
    }

private:
    // A number from 0 to 1 in plain decimals; by hand, because strtof may allocate.
    static bool parse_fraction(const char* text, float* value) {
        uint32_t number = 0, scale = 1;  // number / scale; what is behind six decimals is left out
        bool fraction = false, digit = false;
        for (; *text != 0; ++text) {
            if (*text == '.' && !fraction) {
                fraction = true;
                continue;
            }
            if (*text < '0' || *text > '9') return false;
            digit = true;
            if (fraction && scale == 1000000) continue;
            number = number * 10 + static_cast<uint32_t>(*text - '0');
            if (fraction) scale *= 10;
            if (number > scale) return false;
        }
        *value = static_cast<float>(number) / static_cast<float>(scale);
        return digit;
    }

    Command parse() {
        Command command;
        text_[length_] = 0;
        if (spoilt_ || length_ == 0) return command;
        if (length_ == 1 && strchr("?csrt", text_[0]) != nullptr) {
            command.name = text_[0];
        } else if (text_[0] == 't' && text_[1] == ' ') {
            command.has_value = parse_fraction(text_ + 2, &command.value);
            command.name = command.has_value ? 't' : 0;
        }
        return command;
    }

    char text_[24];
    int length_ = 0;
    bool spoilt_ = false;
};
