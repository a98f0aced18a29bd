// The PDM microphone of the Nano 33 BLE Sense, recorded without a pause into a ring buffer.
//
// The first buffers of the driver contain no sound, and the level of the sensor is not stable at first: these warm-up
// buffers are discarded.
// The driver stops for good when a buffer was not fetched in time: `restart_if_stalled` starts it again.
#pragma once

#include <Arduino.h>
#include <PDM.h>

#include <atomic>

#include "ring.h"

template <uint32_t RingCapacity>
class Microphone {
public:
    static constexpr int kSampleRate = 16000;
    static constexpr int kBufferSamples = 512;
    static constexpr uint32_t kBufferMs = kBufferSamples * 1000 / kSampleRate;
    static constexpr uint32_t kRestartAfterMs = 3 * kBufferMs;
    static constexpr int kGain = 80;  // +20 dB, the highest gain of the hardware

    using Ring = SampleRing<RingCapacity>;

    explicit Microphone(uint32_t warmup_buffers) : warmup_buffers_(warmup_buffers) {}

    // Starts recording. The PDM library calls `on_buffer` in its interrupt and passes no context, so `on_buffer` has
    // to call `receive` of this object. False if the driver does not start.
    bool begin(void (*on_buffer)()) {
        on_buffer_ = on_buffer;
        ring_.clear();
        remaining_warmup_buffers_.store(warmup_buffers_, std::memory_order_relaxed);
        last_buffer_ms_.store(millis(), std::memory_order_release);
        PDM.onReceive(on_buffer);
        PDM.setBufferSize(kBufferSamples * sizeof(int16_t));
        running_ = PDM.begin(1, kSampleRate) != 0;
        PDM.setGain(kGain);
        return running_;
    }

    void end() {
        running_ = false;
        PDM.end();
    }

    bool running() const { return running_; }

    // Starts the microphone again if it has delivered no buffer for kRestartAfterMs. True if it did so.
    bool restart_if_stalled() {
        // Read before the current time, because the interrupt may store a later time in between.
        const uint32_t last_buffer_ms = last_buffer_ms_.load(std::memory_order_acquire);
        if (!running_ || millis() - last_buffer_ms <= kRestartAfterMs) return false;
        end();
        begin(on_buffer_);
        return true;
    }

    // Copies one buffer of the driver into the ring. Only the interrupt calls this.
    void receive() {
        const int bytes = PDM.read(buffer_, sizeof(buffer_));
        last_buffer_ms_.store(millis(), std::memory_order_release);
        const uint32_t remaining = remaining_warmup_buffers_.load(std::memory_order_relaxed);
        if (remaining > 0) {
            remaining_warmup_buffers_.store(remaining - 1, std::memory_order_relaxed);
        } else if (bytes > 0) {
            ring_.write(buffer_, static_cast<uint32_t>(bytes) / sizeof(int16_t));
        }
    }

    const Ring& ring() const { return ring_; }

private:
    Ring ring_;
    int16_t buffer_[kBufferSamples];
    std::atomic<uint32_t> last_buffer_ms_{0};
    std::atomic<uint32_t> remaining_warmup_buffers_{0};
    uint32_t warmup_buffers_;
    void (*on_buffer_)() = nullptr;
    bool running_ = false;
};
