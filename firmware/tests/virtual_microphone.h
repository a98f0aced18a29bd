// The far end of the host board's microphone line, which sends frames of samples (see PDM.h).
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "PDM.h"
#include "check.h"
#include "hal.h"

class VirtualMicrophone {
public:
    // Connects the host board to this object. A program may have one only.
    VirtualMicrophone() {
        int serial[2], microphone[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, serial) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, microphone) == 0);
        line_ = microphone[0];
        char program[] = "board", serial_argument[12], microphone_argument[12];
        snprintf(serial_argument, sizeof serial_argument, "%d", serial[1]);
        snprintf(microphone_argument, sizeof microphone_argument, "%d", microphone[1]);
        char* arguments[] = {program, serial_argument, microphone_argument};
        hal::begin(3, arguments);
    }

    // Sends a frame and lets the board process it.
    void send(char kind, const std::vector<int16_t>& samples) const {
        std::string frame = {kind, static_cast<char>(samples.size() & 0xFF), static_cast<char>(samples.size() >> 8)};
        frame.append(reinterpret_cast<const char*>(samples.data()), samples.size() * 2);
        CHECK_EQUAL(write(line_, frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
        while (PDM.process_input()) {
        }
    }

    // The number of frames that the board has acknowledged since the last call.
    size_t acknowledgements() const {
        char bytes[4096];
        const ssize_t count = recv(line_, bytes, sizeof bytes, MSG_DONTWAIT);
        for (ssize_t i = 0; i < count; ++i) CHECK_EQUAL(bytes[i], '+');
        return count > 0 ? static_cast<size_t>(count) : 0;
    }

private:
    int line_ = -1;
};

// `count` samples that increase by one.
inline std::vector<int16_t> ramp(int first, int count) {
    std::vector<int16_t> samples(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) samples[static_cast<size_t>(i)] = static_cast<int16_t>(first + i);
    return samples;
}
