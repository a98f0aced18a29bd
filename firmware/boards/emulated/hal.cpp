// The emulated board: QEMU's mps2-an386, a Cortex-M4F. UART0 is the serial line, UART1 the microphone.
//
// A byte on a UART costs QEMU a change of threads or a system call. The bytes are therefore in memory that QEMU shares
// with the emulator daemon (ei_toolkit/board/emulator/shared_memory.py), and the UARTs announce them: one byte for a
// filled slot of the microphone, and two for the number of printed bytes, low byte first.
#include "hal.h"

#include "machine.h"

extern "C" uint8_t shared_memory[];  // image.ld has the address

namespace {

struct Slot {
    uint16_t count;
    uint8_t bytes[2046];
};
constexpr uint32_t kSlots = 8, kPrintedBytes = 65536;
struct SharedMemory {
    Slot slots[kSlots];              // of the microphone, used in turn
    uint32_t taken;                  // number of printed bytes that the daemon has taken
    uint8_t printed[kPrintedBytes];  // a ring buffer
};
volatile SharedMemory* shared() { return reinterpret_cast<volatile SharedMemory*>(shared_memory); }

constexpr hal::Line kLines[] = {hal::Line::kSerial, hal::Line::kMicrophone};

struct Uart {
    volatile uint32_t data, state, control, interrupt, divider;
};
constexpr uint32_t kTransmitFull = 1, kReceiveFull = 2;                             // state
constexpr uint32_t kTransmitEnable = 1, kReceiveEnable = 2, kReceiveInterrupt = 8;  // control
constexpr uint32_t kReceived = 2;                                                   // interrupt

const volatile uint8_t* next_byte = nullptr;  // of the slot that is read
uint32_t remaining_bytes = 0;                 // in it; its `count` may already be that of a later frame

uint32_t printed = 0, announced = 0;  // numbers of bytes
constexpr uint32_t kMaxUnannounced = 2048;

Uart* uart(hal::Line line) { return reinterpret_cast<Uart*>(line == hal::Line::kSerial ? 0x40004000 : 0x40005000); }

void send(hal::Line line, uint8_t byte) {
    while ((uart(line)->state & kTransmitFull) != 0) {
    }
    uart(line)->data = byte;
}

// Takes the byte that announces the slot.
void open_next_slot() {
    static uint32_t number = 0;
    static_cast<void>(uart(hal::Line::kMicrophone)->data);
    const volatile Slot& slot = shared()->slots[number];
    number = (number + 1) % kSlots;
    next_byte = slot.bytes;
    remaining_bytes = slot.count;
}

void announce_printed() {
    const uint32_t count = printed - announced;
    if (count == 0) return;
    announced = printed;
    send(hal::Line::kSerial, static_cast<uint8_t>(count));
    send(hal::Line::kSerial, static_cast<uint8_t>(count >> 8));
}

void print_byte(uint8_t byte) {
    while (printed - shared()->taken == kPrintedBytes) {
    }
    shared()->printed[printed++ % kPrintedBytes] = byte;
    if (byte == '\n' || printed - announced == kMaxUnannounced) announce_printed();
}

// The receive interrupts of UART0 and UART1 in the interrupt controller.
constexpr uint32_t kReceiveInterrupts = (1u << 0) | (1u << 2);
constexpr uint32_t kInterruptEnable = 0xE000E100, kInterruptClearPending = 0xE000E280;

constexpr uint32_t kResetControl = 0xE000ED0C, kResetRequest = 0x05FA0004;  // AIRCR

}  // namespace

namespace hal {

void begin(int, char**) {
    for (const Line line : kLines) {
        uart(line)->divider = 16;
        uart(line)->control = kTransmitEnable | kReceiveEnable | kReceiveInterrupt;
    }
    // Both receive interrupts end the `wfi` in `wait_for_input`. Interrupts stay masked, so that no handler runs.
    __asm__ volatile("cpsid i");
    machine::memory_register(kInterruptEnable) = kReceiveInterrupts;
}

bool readable(Line line) {
    if (line == Line::kMicrophone && remaining_bytes > 0) return true;
    return (uart(line)->state & kReceiveFull) != 0;
}

bool read(Line line, uint8_t* byte) {
    if (!readable(line)) return false;
    if (line == Line::kSerial) {
        *byte = static_cast<uint8_t>(uart(line)->data);
        return true;
    }
    if (remaining_bytes == 0) open_next_slot();
    --remaining_bytes;
    *byte = *next_byte++;
    return true;
}

void write(Line line, const uint8_t* bytes, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        if (line == Line::kSerial) {
            print_byte(bytes[i]);
        } else {
            send(line, bytes[i]);
        }
    }
}

// The timer wraps after 171 s; the sum of its differences does not.
uint32_t micros() {
    static uint32_t last_ticks = 0, microseconds = 0, remaining_ticks = 0;
    const uint32_t now = machine::timer_ticks();
    remaining_ticks += now - last_ticks;
    last_ticks = now;
    microseconds += remaining_ticks / machine::kTicksPerMicrosecond;
    remaining_ticks %= machine::kTicksPerMicrosecond;
    return microseconds;
}

void wait_for_input() {
    announce_printed();
    for (const Line line : kLines) uart(line)->interrupt = kReceived;
    machine::memory_register(kInterruptClearPending) = kReceiveInterrupts;
    if (!readable(Line::kSerial) && !readable(Line::kMicrophone)) __asm__ volatile("wfi");
}

}  // namespace hal

namespace machine {

// A sketch never ends by itself, so the status is that of a fault. QEMU runs with -no-reboot: a reset ends it.
void exit(int) {
    static const char text[] = "ERR: processor fault\r\n";
    hal::write(hal::Line::kSerial, reinterpret_cast<const uint8_t*>(text), sizeof(text) - 1);
    memory_register(kResetControl) = kResetRequest;
    for (;;) {
    }
}

}  // namespace machine
