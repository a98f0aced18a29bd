#include "PDM.h"

#include <string.h>

#include "hal.h"

PDMClass PDM;

int PDMClass::begin(int channels, int rate) {
    if (channels != 1 || rate != 16000) return 0;
    filled_ = 0;
    available_ = 0;
    stalled_ = false;
    remaining_unfilled_ = kUnfilledBuffers;
    running_ = true;
    return 1;
}

void PDMClass::end() { running_ = false; }

void PDMClass::setBufferSize(int bytes) {
    const int samples = bytes / static_cast<int>(sizeof(int16_t));
    buffer_samples_ = samples < kMaxSamples ? samples : kMaxSamples;
}

int PDMClass::read(void* buffer, size_t bytes) {
    const int count = static_cast<int>(bytes) < available_ ? static_cast<int>(bytes) : available_;
    memcpy(buffer, buffer_, static_cast<size_t>(count));
    available_ = 0;
    return count;
}

bool PDMClass::process_input() {
    if (acknowledge_frame_) {
        const uint8_t acknowledgement = '+';
        acknowledge_frame_ = false;
        hal::write(hal::Line::kMicrophone, &acknowledgement, 1);
    }
    uint8_t byte = 0;
    bool any = false;
    buffer_delivered_ = false;
    while (!buffer_delivered_ && hal::read(hal::Line::kMicrophone, &byte)) {
        any = true;
        if (add_byte(byte)) break;
    }
    return any;
}

// True if the byte completes a frame.
bool PDMClass::add_byte(uint8_t byte) {
    if (header_bytes_ < 3) return add_header_byte(byte);
    if (--remaining_bytes_ % 2 != 0) {
        low_byte_ = byte;
        return false;
    }
    add_sample(static_cast<int16_t>(static_cast<uint16_t>(low_byte_ | (byte << 8))));
    return remaining_bytes_ == 0 && finish_frame();
}

bool PDMClass::add_header_byte(uint8_t byte) {
    header_[header_bytes_++] = byte;
    if (header_bytes_ < 3) return false;
    remaining_bytes_ = header_[0] == 'D' ? 2u * (header_[1] + 256u * header_[2]) : 0;
    return remaining_bytes_ == 0 && finish_frame();
}

bool PDMClass::finish_frame() {
    if (header_[0] == 'X') stalled_ = true;
    while (header_[0] == 'E' && running_ && !stalled_ && filled_ > 0) add_sample(0);
    header_bytes_ = 0;
    acknowledge_frame_ = true;
    return true;
}

void PDMClass::add_sample(int16_t sample) {
    ++samples_received_;
    if (!running_ || stalled_) return;
    for (; remaining_unfilled_ > 0 && running_; --remaining_unfilled_) {
        memset(buffer_, 0x55, sizeof(buffer_));
        deliver_buffer();
    }
    buffer_[filled_++] = sample;
    if (filled_ == buffer_samples_) {
        filled_ = 0;
        deliver_buffer();
    }
}

void PDMClass::deliver_buffer() {
    available_ = buffer_samples_ * static_cast<int>(sizeof(int16_t));
    if (callback_ != nullptr) callback_();
    stalled_ = available_ > 0;  // the sketch did not fetch it: the real driver stops
    buffer_delivered_ = true;
}
