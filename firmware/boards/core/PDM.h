// The PDM library's face, its sound coming as frames over the microphone line.
//
// A frame is a kind, a count (two bytes, low first) and, for D, that many 16-bit samples (low byte first):
//   D  sound                E  end: fill the open buffer with silence and hand it out
//   X  fault: the driver stops handing out buffers, as the Nano's does after a buffer was not fetched in time
// For each frame one '+' goes back when the sketch has come round again, so the sender knows what has been worked off.
#pragma once

#include <stddef.h>
#include <stdint.h>

class PDMClass {
public:
    int begin(int channels, int rate);
    void end();
    int available() const { return available_; }
    int read(void* buffer, size_t bytes);
    void onReceive(void (*callback)()) { callback_ = callback; }
    void setGain(int) {}
    void setBufferSize(int bytes);

    // Takes bytes from the microphone line until a buffer or a frame is complete, or no more have arrived.
    // False if there were none.
    bool pump();

    uint32_t samples_arrived() const { return arrived_; }

private:
    static constexpr int kMaxSamples = 2048;
    static constexpr int kUnfilledBuffers = 2;  // the Nano's driver hands out its double buffer before it is written

    bool take(uint8_t byte);
    bool take_header(uint8_t byte);
    void take_sample(int16_t sample);
    bool finish_frame();
    void hand_out();

    void (*callback_)() = nullptr;
    int16_t buffer_[kMaxSamples];
    int buffer_samples_ = 256;
    int filled_ = 0;
    int available_ = 0;
    int unfilled_left_ = 0;
    bool running_ = false;
    bool stuck_ = false;
    bool owes_credit_ = false;
    bool handed_out_ = false;
    uint32_t arrived_ = 0;

    uint8_t header_[3];
    int header_bytes_ = 0;
    uint32_t bytes_left_ = 0;
    uint8_t low_byte_ = 0;
};

extern PDMClass PDM;
