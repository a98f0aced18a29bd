// What a stand-in board must give: two byte lines (serial, microphone), a clock of its own, and a way to rest.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace hal {

enum class Line { kSerial, kMicrophone };

// Gets the lines and the clock ready.
void begin(int argc, char** argv);

// The next byte that has arrived on a line, if one has.
bool read(Line line, uint8_t* byte);
bool readable(Line line);
void write(Line line, const uint8_t* bytes, size_t count);

// Microseconds of the processor's clock; wraps.
uint32_t micros();

// Rests until a byte has arrived on some line.
void rest();

}  // namespace hal
