// The PDM microphone as it really is: its first buffers are not sound, and its driver stops for good when one buffer
// was not fetched in time. The watchdog starts it again and counts.
#pragma once

#include <PDM.h>

#include "eitk_config.h"
#include "ring.h"

class Microphone {
public:
    static constexpr int kRate = 16000;
    static constexpr int kBufferSamples = 512;
    static constexpr uint32_t kBufferMs = kBufferSamples * 1000 / kRate;
    static constexpr int kGain = 80;  // +20 dB, the highest step there is; what is above it is out of range

    SampleRing<EI_CLASSIFIER_RAW_SAMPLE_COUNT + config::kSlackSamples> ring;

    bool begin() {
        ring.clear();
        settle_ = config::kSettleBuffers;
        last_ms_ = millis();
        PDM.onReceive(receive);
        PDM.setBufferSize(kBufferSamples * sizeof(int16_t));
        running_ = PDM.begin(1, kRate) != 0;
        PDM.setGain(kGain);
        return running_;
    }

    void end() {
        running_ = false;
        PDM.end();
    }

    bool running() const { return running_; }

    // Starts a microphone again that has fallen silent; true if it had to.
    bool restarted() {
        const uint32_t last = last_ms_;  // before the time is asked: the interrupt may move it past that
        if (!running_ || millis() - last <= kPatienceMs) return false;
        end();
        begin();
        return true;
    }

private:
    static constexpr uint32_t kPatienceMs = 3 * kBufferMs;

    static void receive();  // runs in the interrupt: it copies, nothing else

    void take() {
        const int bytes = PDM.read(buffer_, sizeof(buffer_));
        last_ms_ = millis();
        if (settle_ > 0) {
            --settle_;
        } else if (bytes > 0) {
            ring.write(buffer_, static_cast<uint32_t>(bytes) / sizeof(int16_t));
        }
    }

    int16_t buffer_[kBufferSamples];
    volatile uint32_t last_ms_ = 0;
    volatile int settle_ = 0;
    bool running_ = false;
};

static Microphone microphone;

inline void Microphone::receive() { microphone.take(); }
