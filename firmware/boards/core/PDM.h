// The interface of Arduino's PDM library. The samples arrive as frames over the microphone line.
//
// A frame is a kind, a count (two bytes, low byte first) and, for D, that many 16-bit samples (low byte first):
//   D  samples
//   E  end: fill the current buffer with silence and deliver it
//   X  fault: the driver stops delivering buffers, as the Nano's does after a buffer was not fetched in time
// The board answers each frame with one '+' when the sketch's loop has run again, so that the sender knows how much has
// been processed.
#pragma once

#include <stddef.h>
#include <stdint.h>

class PDMClass {
public:
    int begin(int channels, int rate);
    void end();
    int available() const { return available_; }
    int read(void* buffer, size_t bytes);
    // NOLINTBEGIN(readability-identifier-naming): the names of Arduino's interface
    void onReceive(void (*callback)()) { callback_ = callback; }
    void setGain(int) {}
    void setBufferSize(int bytes);
    // NOLINTEND(readability-identifier-naming)

    // Reads bytes from the microphone line until a buffer or a frame is complete, or until no more have arrived.
    // False if none had arrived.
    bool process_input();

    uint32_t samples_received() const { return samples_received_; }

private:
    static constexpr int kMaxSamples = 2048;
    static constexpr int kUnfilledBuffers = 2;  // the Nano's driver delivers its double buffer before it is filled

    bool add_byte(uint8_t byte);
    bool add_header_byte(uint8_t byte);
    void add_sample(int16_t sample);
    bool finish_frame();
    void deliver_buffer();

    void (*callback_)() = nullptr;
    int16_t buffer_[kMaxSamples];
    int buffer_samples_ = 256;
    int filled_ = 0;
    int available_ = 0;
    int remaining_unfilled_ = 0;
    bool running_ = false;
    bool stalled_ = false;
    bool acknowledge_frame_ = false;
    bool buffer_delivered_ = false;
    uint32_t samples_received_ = 0;

    uint8_t header_[3];
    int header_bytes_ = 0;
    uint32_t remaining_bytes_ = 0;
    uint8_t low_byte_ = 0;
};

extern PDMClass PDM;  // NOLINT(readability-identifier-naming): Arduino's name
