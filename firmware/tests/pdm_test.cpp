// The PDM library of the virtual boards, through the lines of the host board.
#include "PDM.h"

#include <sys/socket.h>
#include <unistd.h>

#include "Arduino.h"
#include "check.h"
#include "hal.h"

namespace {

// The far ends of the board's serial line and microphone line.
int serial_line = -1, microphone_line = -1;
int buffers = 0;
std::vector<int16_t> received;
bool fetch = true;

void receive() {
    ++buffers;
    if (!fetch) return;
    int16_t buffer[512];
    const int bytes = PDM.read(buffer, sizeof buffer);
    received.insert(received.end(), buffer, buffer + bytes / 2);
}

void connect_board() {
    if (serial_line >= 0) return;
    int serial[2], microphone[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, serial) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, microphone) == 0);
    serial_line = serial[0];
    microphone_line = microphone[0];
    char program[] = "board", first[12], second[12];
    snprintf(first, sizeof first, "%d", serial[1]);
    snprintf(second, sizeof second, "%d", microphone[1]);
    char* arguments[] = {program, first, second};
    hal::begin(3, arguments);
}

void start(int buffer_samples) {
    connect_board();
    buffers = 0;
    received.clear();
    fetch = true;
    PDM.end();
    PDM.onReceive(receive);
    PDM.setBufferSize(buffer_samples * 2);
    CHECK_EQUAL(PDM.begin(1, 16000), 1);
}

void send(char kind, const std::vector<int16_t>& samples) {
    std::string frame = {kind, static_cast<char>(samples.size() & 0xFF), static_cast<char>(samples.size() >> 8)};
    frame.append(reinterpret_cast<const char*>(samples.data()), samples.size() * 2);
    CHECK_EQUAL(write(microphone_line, frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
}

void process_all() {
    while (PDM.process_input()) {
    }
}

// The acknowledgements that the board has sent.
size_t acknowledgements() {
    char bytes[256];
    const ssize_t count = recv(microphone_line, bytes, sizeof bytes, MSG_DONTWAIT);
    for (ssize_t i = 0; i < count; ++i) CHECK_EQUAL(bytes[i], '+');
    return count > 0 ? static_cast<size_t>(count) : 0;
}

std::vector<int16_t> ramp(int first, int count) {
    std::vector<int16_t> samples(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) samples[static_cast<size_t>(i)] = static_cast<int16_t>(first + i);
    return samples;
}

}  // namespace

TEST(the_microphone_has_one_channel_of_16_kHz) {
    connect_board();
    CHECK_EQUAL(PDM.begin(2, 16000), 0);
    CHECK_EQUAL(PDM.begin(1, 44100), 0);
}

TEST(samples_arrive_in_buffers_after_two_unfilled_ones) {
    start(4);
    send('D', ramp(-2, 10));
    process_all();
    CHECK_EQUAL(buffers, 4);  // two unfilled, two of four samples; two samples remain
    CHECK(std::vector<int16_t>(received.begin() + 8, received.end()) == ramp(-2, 8));
    send('D', ramp(8, 2));
    process_all();
    CHECK(std::vector<int16_t>(received.begin() + 8, received.end()) == ramp(-2, 12));
}

TEST(every_frame_is_acknowledged_once) {
    start(4);
    acknowledgements();
    send('D', ramp(0, 4));
    send('D', {});
    send('E', {});
    process_all();
    CHECK_EQUAL(acknowledgements(), 3u);
}

TEST(the_end_fills_the_current_buffer_with_silence) {
    start(4);
    send('D', ramp(1, 1));
    send('E', {});
    process_all();
    CHECK(std::vector<int16_t>(received.begin() + 8, received.end()) == std::vector<int16_t>({1, 0, 0, 0}));
}

TEST(a_buffer_that_is_not_fetched_stops_the_driver) {
    start(4);
    fetch = false;
    send('D', ramp(0, 12));
    process_all();
    CHECK_EQUAL(buffers, 2);  // those that the first sample delivers
    start(4);
    send('D', ramp(0, 4));
    process_all();
    CHECK_EQUAL(buffers, 3);
}

TEST(a_fault_stops_the_driver_until_it_begins_again) {
    start(4);
    send('X', {});
    send('D', ramp(0, 8));
    process_all();
    CHECK_EQUAL(buffers, 0);
}

TEST(time_advances_with_the_samples_and_with_delays) {
    start(4);
    const uint32_t before = millis();
    send('D', ramp(0, 160));
    process_all();
    delay(5);
    CHECK_EQUAL(millis() - before, 15u);
}
