// The sketch's microphone, with the PDM library of the virtual boards.
#include "microphone.h"

#include "check.h"
#include "virtual_microphone.h"

namespace {

using TestMicrophone = Microphone<4096>;

constexpr int kBuffer = TestMicrophone::kBufferSamples;
constexpr uint32_t kWarmupBuffers = 3;  // the two unfilled ones of the driver, and one of samples

TestMicrophone microphone(kWarmupBuffers);

void receive_buffer() { microphone.receive(); }

const VirtualMicrophone& line() {
    static const VirtualMicrophone connected;
    return connected;
}

void start() {
    line();
    microphone.end();
    CHECK(microphone.begin(receive_buffer));
    CHECK(microphone.running());
}

}  // namespace

TEST(the_first_buffers_are_discarded) {
    start();
    line().send('D', ramp(0, kBuffer));
    CHECK_EQUAL(microphone.ring().samples_written(), 0u);
    line().send('D', ramp(1000, kBuffer));
    CHECK_EQUAL(microphone.ring().samples_written(), static_cast<uint32_t>(kBuffer));
    CHECK_EQUAL(microphone.ring().sample(0), 1000);
    CHECK_EQUAL(microphone.ring().sample(kBuffer - 1), static_cast<int16_t>(1000 + kBuffer - 1));
}

TEST(a_microphone_that_delivers_buffers_is_not_restarted) {
    start();
    for (int i = 0; i < 10; ++i) {
        line().send('D', ramp(0, kBuffer));
        CHECK(!microphone.restart_if_stalled());
    }
    delay(TestMicrophone::kRestartAfterMs);
    CHECK(!microphone.restart_if_stalled());
}

TEST(a_stalled_microphone_is_restarted_once) {
    start();
    for (int i = 0; i < 4; ++i) line().send('D', ramp(0, kBuffer));
    line().send('X', {});
    line().send('D', ramp(0, kBuffer));
    const uint32_t before = microphone.ring().samples_written();
    CHECK(!microphone.restart_if_stalled());
    delay(TestMicrophone::kRestartAfterMs);
    CHECK(microphone.restart_if_stalled());
    CHECK(before > 0);
    CHECK_EQUAL(microphone.ring().samples_written(), 0u);
    CHECK(!microphone.restart_if_stalled());
    for (int i = 0; i < 2; ++i) line().send('D', ramp(7, kBuffer));
    CHECK_EQUAL(microphone.ring().sample(0), 7);
}

TEST(a_stopped_microphone_is_not_restarted_and_records_nothing) {
    start();
    microphone.end();
    CHECK(!microphone.running());
    for (int i = 0; i < 10; ++i) line().send('D', ramp(0, kBuffer));
    CHECK(!microphone.restart_if_stalled());
    CHECK_EQUAL(microphone.ring().samples_written(), 0u);
}
