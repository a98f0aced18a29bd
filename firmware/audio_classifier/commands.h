// Commands on the serial line, one on each line: those of eitk, and the lines of Edge Impulse's AT command set.
#pragma once

#include <stdint.h>
#include <string.h>

struct Command {
    // '?', 'b', 'c', 'm', 'r', 's' or 't'; 'A' for a line that begins with AT; 0 means no command
    char name = 0;
    bool has_value = false;
    float value = 0;        // of t
    uint32_t samples = 0;   // of m
    const char* text = "";  // of A: the line, valid until the next character is added
};

// Parses the decimal digits from `text` up to the first other character, which `end` points to. False if there is no
// digit or if the number exceeds 32 bits.
inline bool parse_uint32(const char* text, const char** end, uint32_t* value) {
    uint64_t number = 0;
    const char* digit = text;
    for (; *digit >= '0' && *digit <= '9'; ++digit) {
        number = number * 10 + static_cast<uint32_t>(*digit - '0');
        if (number > UINT32_MAX) return false;
    }
    *end = digit;
    *value = static_cast<uint32_t>(number);
    return digit != text;
}

// Collects the characters of a line and parses it at its end. Lines that are not a command are ignored, whatever they
// contain and however long they are.
class CommandParser {
public:
    static constexpr int kMaxLength = 255;

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
        if (length_ == 1 && strchr("?bcmrst", line_[0]) != nullptr) {
            command.name = line_[0];
        } else if (strncmp(line_, "AT", 2) == 0) {
            command.name = 'A';
            command.text = line_;
        } else if (strncmp(line_, "t ", 2) == 0) {
            command.has_value = parse_fraction(line_ + 2, &command.value);
            command.name = command.has_value ? 't' : '\0';
        } else if (strncmp(line_, "m ", 2) == 0) {
            const char* end = line_;
            command.has_value = parse_uint32(line_ + 2, &end, &command.samples) && *end == 0;
            command.name = command.has_value ? 'm' : '\0';
        }
        return command;
    }

    char line_[kMaxLength + 1] = {};
    int length_ = 0;
    bool invalid_ = false;
};
