// The PDM library of the virtual boards, through the lines of the host board.
#include "PDM.h"

#include <vector>

#include "Arduino.h"
#include "check.h"
#include "virtual_microphone.h"

namespace {

constexpr int kBufferSamples = 4;
constexpr size_t kUnfilledSamples = 2 * kBufferSamples;  // in the two buffers that come before the first sample

int buffers = 0;
bool fetch = true;
std::vector<int16_t> received;

void receive() {
    ++buffers;
    if (!fetch) return;
    int16_t buffer[kBufferSamples];
    const int bytes = PDM.read(buffer, sizeof buffer);
    received.insert(received.end(), buffer, buffer + bytes / 2);
}

const VirtualMicrophone& microphone() {
    static const VirtualMicrophone connected;
    return connected;
}

void start() {
    microphone().acknowledgements();
    buffers = 0;
    received.clear();
    fetch = true;
    PDM.end();
    PDM.onReceive(receive);
    PDM.setBufferSize(kBufferSamples * 2);
    CHECK_EQUAL(PDM.begin(1, 16000), 1);
}

// The samples that were received behind the unfilled buffers.
std::vector<int16_t> received_samples() {
    CHECK(received.size() >= kUnfilledSamples);
    return {received.begin() + kUnfilledSamples, received.end()};
}

}  // namespace

TEST(the_microphone_has_one_channel_of_16_kHz) {
    CHECK_EQUAL(PDM.begin(2, 16000), 0);
    CHECK_EQUAL(PDM.begin(1, 44100), 0);
}

TEST(samples_arrive_in_buffers_after_two_unfilled_ones) {
    start();
    microphone().send('D', ramp(-2, 10));
    CHECK_EQUAL(buffers, 4);  // two unfilled ones and two of four samples; two samples are left
    CHECK(received_samples() == ramp(-2, 8));
    microphone().send('D', ramp(8, 2));
    CHECK(received_samples() == ramp(-2, 12));
}

TEST(every_frame_is_acknowledged_once) {
    start();
    microphone().send('D', ramp(0, 4));
    microphone().send('D', {});
    microphone().send('E', {});
    CHECK_EQUAL(microphone().acknowledgements(), 3u);
}

TEST(the_end_fills_the_current_buffer_with_silence) {
    start();
    microphone().send('D', ramp(1, 1));
    microphone().send('E', {});
    CHECK(received_samples() == std::vector<int16_t>({1, 0, 0, 0}));
}

TEST(a_buffer_that_is_not_fetched_stops_the_driver) {
    start();
    microphone().send('D', ramp(0, 4));
    CHECK_EQUAL(buffers, 3);
    fetch = false;
    microphone().send('D', ramp(4, 12));
    CHECK_EQUAL(buffers, 4);
    start();
    microphone().send('D', ramp(0, 4));
    CHECK(received_samples() == ramp(0, 4));
}

TEST(a_fault_stops_the_driver_until_it_begins_again) {
    start();
    microphone().send('X', {});
    microphone().send('D', ramp(0, 8));
    CHECK_EQUAL(buffers, 0);
    start();
    microphone().send('D', ramp(0, 8));
    CHECK_EQUAL(buffers, 4);
}

TEST(time_advances_with_the_samples_and_with_delays) {
    start();
    const uint32_t before = millis();
    microphone().send('D', ramp(0, 160));
    delay(5);
    CHECK_EQUAL(millis() - before, 15u);
}
