// The hardware that a virtual board provides: two byte lines (serial and microphone), a clock, and a way to wait.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace hal {

enum class Line { kSerial, kMicrophone };

// Prepares the lines and the clock.
void begin(int argc, char** argv);

// Reads the next byte that has arrived on a line. False if none has.
bool read(Line line, uint8_t* byte);
bool readable(Line line);
void write(Line line, const uint8_t* bytes, size_t count);

// Microseconds of the processor's clock; wraps.
uint32_t micros();

// Waits until a byte has arrived on one of the lines.
void wait_for_input();

}  // namespace hal
