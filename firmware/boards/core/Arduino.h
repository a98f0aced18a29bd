// The part of the Arduino core that the sketch and its library use, for virtual boards.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "Print.h"

#define PI 3.1415926535897932384626433832795
#define TWO_PI 6.283185307179586476925286766559

#define LOW 0
#define HIGH 1
#define INPUT 0
#define OUTPUT 1

// Pins of the Nano 33 BLE Sense
#define LED_BUILTIN 13
#define LEDR 22
#define LEDG 23
#define LEDB 24

// NOLINTBEGIN(readability-identifier-naming): the names of Arduino's interface
void pinMode(int pin, int mode);
void digitalWrite(int pin, int value);
int digitalRead(int pin);
void analogWrite(int pin, int value);
int written(int pin);  // what was written to a pin last, for tests
// NOLINTEND(readability-identifier-naming)

// Time of the microphone: the samples received so far divided by the sample rate, plus the delays. It does not advance
// while no samples arrive.
uint32_t millis();
void delay(uint32_t ms);

// Time of the processor.
uint32_t micros();

class SerialLine final : public Print {
public:
    void begin(unsigned long) {}
    explicit operator bool() const { return true; }
    int available();
    int read();
    void flush() {}
    using Print::write;
    size_t write(uint8_t byte) override;
    size_t write(const uint8_t* bytes, size_t count) override;
};

extern SerialLine Serial;  // NOLINT(readability-identifier-naming): Arduino's name

void setup();
void loop();
