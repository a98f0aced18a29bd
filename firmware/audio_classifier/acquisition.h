// A recording that stays in the ring buffer, as a file in Edge Impulse's data acquisition format (CBOR, not signed).
//
// The file is not stored: any of its bytes is computed from the header and from the samples. Every sample takes three
// bytes, so that the position of a byte determines its sample.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

template <typename Ring>
class AcquisitionFile {
public:
    // Makes samples 0 to `count` of the ring the content. They must stay in the ring while the file is read.
    void begin(const Ring& ring, uint32_t count, const char* device_name, const char* device_type) {
        ring_ = &ring;
        count_ = count;
        header_length_ = 0;
        add_header(device_name, device_type);
    }

    void clear() { count_ = 0; }

    // Bytes of the file; 0 if there is none.
    uint32_t size() const { return count_ == 0 ? 0 : header_length_ + kSampleBytes * count_; }

    // The byte at `position`, which is below size().
    uint8_t byte(uint32_t position) const {
        if (position < header_length_) return header_[position];
        const uint32_t offset = position - header_length_;
        const int16_t sample = ring_->sample(Ring::index(offset / kSampleBytes));
        const uint16_t argument = static_cast<uint16_t>(sample < 0 ? -1 - sample : sample);
        const uint32_t part = offset % kSampleBytes;
        if (part == 0) return sample < 0 ? kNegative16 : kUnsigned16;
        return static_cast<uint8_t>(part == 1 ? argument >> 8 : argument & 0xFF);
    }

private:
    static constexpr uint32_t kSampleBytes = 3;
    static constexpr uint8_t kUnsigned16 = 0x19, kNegative16 = 0x39;  // RFC 8949: an integer of two bytes follows
    static constexpr uint8_t kText = 0x60, kArray = 0x80, kMap = 0xA0, kText8 = 0x78, kArray32 = 0x9A, kFloat32 = 0xFA;
    static constexpr size_t kMaxTextLength = 32;

    void add_byte(uint8_t byte) { header_[header_length_++] = byte; }

    void add_text(const char* text) {
        size_t length = strlen(text);
        if (length > kMaxTextLength) length = kMaxTextLength;
        if (length < 24) {
            add_byte(static_cast<uint8_t>(kText + length));
        } else {
            add_byte(kText8);
            add_byte(static_cast<uint8_t>(length));
        }
        for (size_t i = 0; i < length; ++i) add_byte(static_cast<uint8_t>(text[i]));
    }

    void add_header(const char* device_name, const char* device_type) {
        add_byte(kMap + 3);
        add_text("protected");
        add_byte(kMap + 2);
        add_text("ver");
        add_text("v1");
        add_text("alg");
        add_text("none");
        add_text("signature");
        add_byte(kText8);
        add_byte(64);
        for (int i = 0; i < 64; ++i) add_byte('0');
        add_text("payload");
        add_byte(kMap + 5);
        add_text("device_name");
        add_text(device_name);
        add_text("device_type");
        add_text(device_type);
        add_text("interval_ms");
        const uint8_t interval[] = {kFloat32, 0x3D, 0x80, 0, 0};  // 0.0625
        for (const uint8_t byte : interval) add_byte(byte);
        add_text("sensors");
        add_byte(kArray + 1);
        add_byte(kMap + 2);
        add_text("name");
        add_text("audio");
        add_text("units");
        add_text("wav");
        add_text("values");
        add_byte(kArray32);
        for (int shift = 24; shift >= 0; shift -= 8) add_byte(static_cast<uint8_t>(count_ >> shift));
    }

    const Ring* ring_ = nullptr;
    uint32_t count_ = 0;
    uint32_t header_length_ = 0;
    uint8_t header_[320] = {};  // 244 bytes of fixed content, and two texts of at most 34
};
