// The last samples that the microphone gave. The interrupt writes, the loop reads: a window stays intact while the
// writer goes on, for as long as the slack beyond the window lasts.
#pragma once

#include <stdint.h>
#include <string.h>

template <uint32_t Capacity>
class SampleRing {
public:
    void clear() {
        heard_ = 0;
        next_ = 0;
    }

    void write(const int16_t* samples, uint32_t count) {
        const uint32_t first = count < Capacity - next_ ? count : Capacity - next_;
        memcpy(data_ + next_, samples, first * sizeof(int16_t));
        memcpy(data_, samples + first, (count - first) * sizeof(int16_t));
        next_ = (next_ + count) % Capacity;
        heard_ = heard_ + count;
    }

    // Samples written since the last clear; wraps after 74 hours, and every use of it allows for that.
    uint32_t heard() const { return heard_; }

    // Whether the sample with this number has not been written over yet; it may lie ahead.
    bool holds(uint32_t number) const {
        return static_cast<int32_t>(heard_ - number) <= static_cast<int32_t>(Capacity);
    }

    // Place of the sample with this number, which must be held.
    uint32_t place(uint32_t number) const {
        const uint32_t heard = heard_;  // next_ may move between the two reads: take them again until they agree
        const uint32_t next = next_;
        if (heard != heard_) return place(number);
        const uint32_t back = heard - number;
        return next >= back ? next - back : next + Capacity - back;
    }

    int16_t at_place(uint32_t place) const { return data_[place < Capacity ? place : place - Capacity]; }

private:
    int16_t data_[Capacity];
    volatile uint32_t heard_ = 0;
    volatile uint32_t next_ = 0;
};
