// Runs a sketch on a virtual board.
#include "Arduino.h"
#include "PDM.h"
#include "hal.h"

int main(int argc, char** argv) {
    hal::begin(argc, argv);
    setup();
    for (;;) {
        loop();
        if (!PDM.process_input() && Serial.available() == 0) hal::wait_for_input();
    }
}
