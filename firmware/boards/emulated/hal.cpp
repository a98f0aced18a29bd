// The emulated board: QEMU's mps2-an386, a Cortex-M4F. UART0 is the serial line, UART1 the microphone.
#include "hal.h"

namespace {

constexpr hal::Line kLines[] = {hal::Line::kSerial, hal::Line::kMicrophone};

struct Uart {
    volatile uint32_t data, state, control, interrupt, divider;
};
constexpr uint32_t kTransmitFull = 1, kReceiveFull = 2;                            // state
constexpr uint32_t kTransmitEnable = 1, kReceiveEnable = 2, kReceiveInterrupt = 8;  // control

Uart* uart(hal::Line line) { return reinterpret_cast<Uart*>(line == hal::Line::kSerial ? 0x40004000 : 0x40005000); }

struct Timer {
    volatile uint32_t control, value, reload, interrupt;
};
Timer* const timer = reinterpret_cast<Timer*>(0x40000000);
constexpr uint32_t kTicksPerMicrosecond = 25;

volatile uint32_t& word(uint32_t address) { return *reinterpret_cast<volatile uint32_t*>(address); }

}  // namespace

namespace hal {

void begin(int, char**) {
    for (Line line : kLines) {
        uart(line)->divider = 16;
        uart(line)->control = kTransmitEnable | kReceiveEnable | kReceiveInterrupt;
    }
    timer->reload = 0xFFFFFFFFu;
    timer->value = 0xFFFFFFFFu;
    timer->control = 1;
    // Both receive interrupts may wake the processor; interrupts stay masked, so no handler runs.
    asm volatile("cpsid i");
    word(0xE000E100) = (1u << 0) | (1u << 2);
}

bool readable(Line line) { return (uart(line)->state & kReceiveFull) != 0; }

bool read(Line line, uint8_t* byte) {
    if (!readable(line)) return false;
    *byte = static_cast<uint8_t>(uart(line)->data);
    return true;
}

void write(Line line, const uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        while (uart(line)->state & kTransmitFull) {
        }
        uart(line)->data = bytes[i];
    }
}

// The timer counts down and wraps after 171 s; the sum goes on.
uint32_t micros() {
    static uint32_t last = 0, whole = 0, rest_ticks = 0;
    const uint32_t now = 0xFFFFFFFFu - timer->value;
    rest_ticks += now - last;
    last = now;
    whole += rest_ticks / kTicksPerMicrosecond;
    rest_ticks %= kTicksPerMicrosecond;
    return whole;
}

void rest() {
    for (Line line : kLines) uart(line)->interrupt = 2;  // acknowledged: received
    word(0xE000E280) = (1u << 0) | (1u << 2);                                        // and no longer pending
    if (!readable(Line::kSerial) && !readable(Line::kMicrophone)) asm volatile("wfi");
}

}  // namespace hal
