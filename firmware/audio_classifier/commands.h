// Commands on the serial line, one on each line.
#pragma once

#include <stdint.h>
#include <string.h>

struct Command {
    char name = 0;  // '?', 'c', 's', 'r' or 't'; 0 means no command
    bool has_value = false;
    float value = 0;
};

// Collects the characters of a line and parses it at its end. Lines that are not a command are ignored, whatever they
// contain and however long they are.
class CommandParser {
public:
    // Adds one character. Returns the command of the line that it ends, if that line is one.
    Command add(char c) {
        if (c == '\n' || c == '\r') {
            const Command command = invalid_ ? Command{} : parse();
            length_ = 0;
            invalid_ = false;
            return command;
        }
        if (c < ' ' || c > '~' || length_ == kMaxLength) {
            invalid_ = true;
        } else {
            line_[length_++] = c;
        }
        return Command{};
    }

private:
    static constexpr int kMaxLength = 23;

    // Parses a decimal number from 0 to 1 without an exponent. strtof is not used because it may allocate memory.
    static bool parse_fraction(const char* text, float* value) {
        constexpr uint32_t kMaxScale = 1000000;  // digits after the sixth decimal are ignored
        uint32_t number = 0, scale = 1;          // the value is number / scale
        bool after_point = false, has_digit = false;
        for (; *text != 0; ++text) {
            if (*text == '.' && !after_point) {
                after_point = true;
                continue;
            }
            if (*text < '0' || *text > '9') return false;
            has_digit = true;
            if (after_point && scale == kMaxScale) continue;
            number = number * 10 + static_cast<uint32_t>(*text - '0');
            if (after_point) scale *= 10;
            if (number > scale) return false;
        }
        *value = static_cast<float>(number) / static_cast<float>(scale);
        return has_digit;
    }

    Command parse() {
        Command command;
        line_[length_] = 0;
        if (length_ == 1 && strchr("?csrt", line_[0]) != nullptr) {
            command.name = line_[0];
        } else if (line_[0] == 't' && line_[1] == ' ') {
            command.has_value = parse_fraction(line_ + 2, &command.value);
            command.name = command.has_value ? 't' : '\0';
        }
        return command;
    }

    char line_[kMaxLength + 1] = {};
    int length_ = 0;
    bool invalid_ = false;
};
