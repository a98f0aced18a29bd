#include "PDM.h"

#include <string.h>

#include "hal.h"

PDMClass PDM;

int PDMClass::begin(int channels, int rate) {
    if (channels != 1 || rate != 16000) return 0;
    filled_ = 0;
    available_ = 0;
    stuck_ = false;
    unfilled_left_ = kUnfilledBuffers;
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

bool PDMClass::pump() {
    if (owes_credit_) {
        const uint8_t credit = '+';
        owes_credit_ = false;
        hal::write(hal::Line::kMicrophone, &credit, 1);
    }
    uint8_t byte = 0;
    bool any = false;
    handed_out_ = false;
    while (!handed_out_ && hal::read(hal::Line::kMicrophone, &byte)) {
        any = true;
        if (take(byte)) break;
    }
    return any;
}

// True when a frame is complete.
bool PDMClass::take(uint8_t byte) {
    if (header_bytes_ < 3) return take_header(byte);
    if (--bytes_left_ % 2 != 0) {
        low_byte_ = byte;
        return false;
    }
    take_sample(static_cast<int16_t>(static_cast<uint16_t>(low_byte_ | (byte << 8))));
    return bytes_left_ == 0 && finish_frame();
}

bool PDMClass::take_header(uint8_t byte) {
    header_[header_bytes_++] = byte;
    if (header_bytes_ < 3) return false;
    bytes_left_ = header_[0] == 'D' ? 2u * (header_[1] + 256u * header_[2]) : 0;
    return bytes_left_ == 0 && finish_frame();
}

bool PDMClass::finish_frame() {
    if (header_[0] == 'X') stuck_ = true;
    while (header_[0] == 'E' && running_ && !stuck_ && filled_ > 0) take_sample(0);
    header_bytes_ = 0;
    owes_credit_ = true;
    return true;
}

void PDMClass::take_sample(int16_t sample) {
    ++arrived_;
    if (!running_ || stuck_) return;
    for (; unfilled_left_ > 0 && running_; --unfilled_left_) {
        memset(buffer_, 0x55, sizeof(buffer_));
        hand_out();
    }
    buffer_[filled_++] = sample;
    if (filled_ == buffer_samples_) {
        filled_ = 0;
        hand_out();
    }
}

void PDMClass::hand_out() {
    available_ = buffer_samples_ * static_cast<int>(sizeof(int16_t));
    if (callback_ != nullptr) callback_();
    stuck_ = available_ > 0;  // not fetched: the real driver gives up
    handed_out_ = true;
}
