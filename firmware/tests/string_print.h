// Collects what is printed.
#pragma once

#include <Print.h>

#include <string>

class StringPrint final : public Print {
public:
    using Print::write;
    size_t write(uint8_t byte) override {
        text += static_cast<char>(byte);
        return 1;
    }
    size_t write(const uint8_t* bytes, size_t count) override {
        text.append(reinterpret_cast<const char*>(bytes), count);
        return count;
    }

    std::string text;
};
