// The host board: a program of this machine. Its arguments are the file descriptors of the serial line and of the
// microphone line.
#include "hal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

namespace {

int descriptors[2];

struct Input {
    uint8_t bytes[4096];
    size_t next = 0, end = 0;
};
Input inputs[2];

struct Output {
    uint8_t bytes[512];
    size_t count = 0;
};
Output outputs[2];

int number(hal::Line line) { return static_cast<int>(line); }

// The process at the other end of a line has ended, so this one ends as well.
[[noreturn]] void exit_disconnected() { _exit(0); }

void flush(int n) {
    size_t done = 0;
    while (done < outputs[n].count) {
        const ssize_t written = ::write(descriptors[n], outputs[n].bytes + done, outputs[n].count - done);
        if (written < 0 && errno != EINTR) exit_disconnected();
        if (written > 0) done += static_cast<size_t>(written);
    }
    outputs[n].count = 0;
}

bool fill(int n) {
    pollfd ready = {descriptors[n], POLLIN, 0};
    if (poll(&ready, 1, 0) <= 0) return false;
    const ssize_t count = ::read(descriptors[n], inputs[n].bytes, sizeof(inputs[n].bytes));
    if (count == 0 || (count < 0 && errno != EINTR)) exit_disconnected();
    inputs[n].next = 0;
    inputs[n].end = count > 0 ? static_cast<size_t>(count) : 0;
    return inputs[n].end > 0;
}

}  // namespace

namespace hal {

void begin(int argc, char** argv) {
    if (argc != 3) _exit(2);
    for (int n = 0; n < 2; ++n) descriptors[n] = static_cast<int>(strtol(argv[n + 1], nullptr, 10));
}

bool readable(Line line) {
    const int n = number(line);
    return inputs[n].next < inputs[n].end || fill(n);
}

bool read(Line line, uint8_t* byte) {
    if (!readable(line)) return false;
    Input& input = inputs[number(line)];
    *byte = input.bytes[input.next++];
    return true;
}

void write(Line line, const uint8_t* bytes, size_t count) {
    const int n = number(line);
    for (size_t i = 0; i < count; ++i) {
        outputs[n].bytes[outputs[n].count++] = bytes[i];
        if (outputs[n].count == sizeof(outputs[n].bytes) || bytes[i] == '\n' || line == Line::kMicrophone) flush(n);
    }
}

uint32_t micros() {
    timespec now = {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint32_t>(static_cast<uint64_t>(now.tv_sec) * 1000000u +
                                 static_cast<uint64_t>(now.tv_nsec) / 1000u);
}

void wait_for_input() {
    pollfd ready[2] = {{descriptors[0], POLLIN, 0}, {descriptors[1], POLLIN, 0}};
    flush(0);
    poll(ready, 2, -1);
}

}  // namespace hal
