// Pins, clocks and the serial line.
#include "Arduino.h"
#include "PDM.h"
#include "hal.h"

SerialLine Serial;

namespace {
uint8_t pins[64];
uint32_t delayed_ms = 0;
}  // namespace

void pinMode(int, int) {}

void digitalWrite(int pin, int value) {
    if (pin >= 0 && pin < static_cast<int>(sizeof(pins))) pins[pin] = static_cast<uint8_t>(value);
}

void analogWrite(int pin, int value) { digitalWrite(pin, value); }

int written(int pin) { return digitalRead(pin); }

int digitalRead(int pin) { return pin >= 0 && pin < static_cast<int>(sizeof(pins)) ? pins[pin] : LOW; }

uint32_t millis() { return delayed_ms + PDM.samples_received() / 16; }

void delay(uint32_t ms) { delayed_ms += ms; }

uint32_t micros() { return hal::micros(); }

int SerialLine::available() { return hal::readable(hal::Line::kSerial) ? 1 : 0; }

int SerialLine::read() {
    uint8_t byte = 0;
    return hal::read(hal::Line::kSerial, &byte) ? byte : -1;
}

size_t SerialLine::write(uint8_t byte) { return write(&byte, 1); }

size_t SerialLine::write(const uint8_t* bytes, size_t count) {
    hal::write(hal::Line::kSerial, bytes, count);
    return count;
}
