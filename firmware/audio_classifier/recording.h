// Recordings of any length: the samples of the microphone as blocks, one line of JSON each, while they are recorded.
// ei_toolkit/board/protocol/blocks.py reads them.
//
// Every line ends with a CRC-32 of the characters in front of `,"crc":`. Blocks are numbered from 0; block n begins
// with sample n * kBlockSamples. When the computer reads too slowly, the ring overwrites samples that were not sent:
// their blocks are left out, so that the numbers show the gap, and counted in the line at the end.
#pragma once

#include <Arduino.h>

#include "base64.h"
#include "crc32.h"
#include "json.h"

// One line, which is sent in one piece: single characters are slow on USB.
class LineBuffer final : public Print {
public:
    using Print::write;

    size_t write(uint8_t byte) override { return write(&byte, 1); }

    size_t write(const uint8_t* bytes, size_t count) override {
        if (count > sizeof text_ - length_) count = sizeof text_ - length_;
        memcpy(text_ + length_, bytes, count);
        length_ += count;
        return count;
    }

    // Adds the checksum of the line and its end, sends the line, and empties the buffer.
    void send_with_checksum(Print& out) {
        uint32_t crc = 0xFFFFFFFFu;
        for (size_t i = 0; i < length_; ++i) crc = add_to_crc32(crc, text_[i]);
        print(F(",\"crc\":"));
        print(static_cast<unsigned long>(~crc & 0xFFFFFFFFu));
        println('}');
        send(out);
    }

    // Sends the line as it is, and empties the buffer.
    void send(Print& out) {
        out.write(text_, length_);
        clear();
    }

    void clear() { length_ = 0; }

private:
    uint8_t text_[832];  // of a block: 684 for the samples, at most 94 for the rest
    size_t length_ = 0;
};

template <typename Ring>
class StreamedRecording {
public:
    static constexpr uint32_t kBlockSamples = 256;

    // Starts a recording of `samples` samples from sample 0 of the ring on; 0 means until `end`.
    void begin(Print& out, uint32_t samples, int sample_rate, int gain) {
        ++number_;
        active_ = true;
        samples_ = samples;
        next_block_ = 0;
        blocks_sent_ = 0;
        blocks_lost_ = 0;
        samples_sent_ = 0;
        start_line(",\"recording\":");
        line_.print(F(",\"samples\":"));
        line_.print(static_cast<unsigned long>(samples));
        line_.print(F(",\"rate\":"));
        line_.print(sample_rate);
        line_.print(F(",\"gain\":"));
        line_.print(gain);
        line_.print(F(",\"block_samples\":"));
        line_.print(static_cast<unsigned long>(kBlockSamples));
        line_.send_with_checksum(out);
    }

    bool active() const { return active_; }

    // Sends each block whose samples have all been written. Ends the recording after the last one.
    void send_blocks(Print& out, const Ring& ring) {
        while (active_) {
            const uint32_t count = samples_in_block();
            if (count == 0) {
                end(out, "complete");
                return;
            }
            const uint64_t first = next_block_ * kBlockSamples;
            if (!ring.written_up_to(first + count)) return;
            write_block(ring, first, count);
            if (ring.holds(first)) {
                line_.send_with_checksum(out);
                ++next_block_;
                ++blocks_sent_;
                samples_sent_ += count;
            } else {
                line_.clear();
                skip_overwritten(ring, first);
            }
        }
    }

    void end(Print& out, const char* reason) {
        active_ = false;
        start_line(",\"recorded\":");
        line_.print(F(",\"samples\":"));
        print_uint64(line_, samples_sent_);
        line_.print(F(",\"blocks\":"));
        print_uint64(line_, blocks_sent_);
        line_.print(F(",\"lost\":"));
        print_uint64(line_, blocks_lost_);
        line_.print(F(",\"reason\":"));
        print_json_string(line_, reason);
        line_.send_with_checksum(out);
    }

private:
    void start_line(const char* key) {
        line_.clear();
        line_.print(F("{\"eitk\":1"));
        line_.print(key);
        line_.print(static_cast<unsigned long>(number_));
    }

    // Samples of the next block, less than kBlockSamples only in the last one; 0 behind the end.
    uint32_t samples_in_block() const {
        if (samples_ == 0) return kBlockSamples;
        const uint64_t first = next_block_ * kBlockSamples;
        if (first >= samples_) return 0;
        const uint64_t remaining = samples_ - first;
        return remaining < kBlockSamples ? static_cast<uint32_t>(remaining) : kBlockSamples;
    }

    void write_block(const Ring& ring, uint64_t first, uint32_t count) {
        start_line(",\"of\":");
        line_.print(F(",\"block\":"));
        print_uint64(line_, next_block_);
        line_.print(F(",\"pcm\":\""));
        Base64Encoder encoder(line_);
        const uint32_t index = Ring::index(first);
        for (uint32_t i = 0; i < count; ++i) encoder.add_int16(ring.sample(index + i));
        encoder.finish();
        line_.print('"');
    }

    // Continues in the middle of the ring, so that the blocks after the gap are not overwritten at once as well.
    void skip_overwritten(const Ring& ring, uint64_t first) {
        const uint32_t behind = ring.samples_written() - static_cast<uint32_t>(first);
        uint64_t skipped = (behind - Ring::kCapacity / 2) / kBlockSamples + 1;
        if (samples_ != 0) {
            const uint64_t remaining = (samples_ + kBlockSamples - 1) / kBlockSamples - next_block_;
            if (skipped > remaining) skipped = remaining;
        }
        next_block_ += skipped;
        blocks_lost_ += skipped;
    }

    LineBuffer line_;
    uint32_t number_ = 0;  // of the recording, counted since the board started
    uint32_t samples_ = 0;
    uint64_t next_block_ = 0;
    uint64_t blocks_sent_ = 0;
    uint64_t blocks_lost_ = 0;
    uint64_t samples_sent_ = 0;
    bool active_ = false;
};
