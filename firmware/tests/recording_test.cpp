// Streamed recordings, and the file of a recording in the ring buffer.
#include "recording.h"

#include <vector>

#include "acquisition.h"
#include "check.h"
#include "ring.h"
#include "string_print.h"

namespace {

constexpr uint32_t kCapacity = 1024;
using Ring = SampleRing<kCapacity>;
using Recording = StreamedRecording<Ring>;
constexpr uint32_t kBlock = Recording::kBlockSamples;

// Writes `count` samples that increase by one, from `first` on.
void write(Ring& ring, int first, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        const int16_t sample = static_cast<int16_t>(first + static_cast<int>(i));
        ring.write(&sample, 1);
    }
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (size_t start = 0, end = 0; (end = text.find("\r\n", start)) != std::string::npos; start = end + 2) {
        lines.push_back(text.substr(start, end - start));
    }
    return lines;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string base64_of(const std::string& bytes) {
    StringPrint out;
    Base64Encoder encoder(out);
    for (const char byte : bytes) encoder.add(static_cast<uint8_t>(byte));
    encoder.finish();
    return out.text;
}

std::string content_of(const AcquisitionFile<Ring>& file, uint32_t from, uint32_t to) {
    std::string bytes;
    for (uint32_t i = from; i < to; ++i) bytes += static_cast<char>(file.byte(i));
    return bytes;
}

}  // namespace

TEST(base64_is_that_of_rfc_4648) {
    CHECK_EQUAL(base64_of(""), std::string(""));
    CHECK_EQUAL(base64_of("f"), std::string("Zg=="));
    CHECK_EQUAL(base64_of("fo"), std::string("Zm8="));
    CHECK_EQUAL(base64_of("foo"), std::string("Zm9v"));
    CHECK_EQUAL(base64_of("foobar\xff\xfe"), std::string("Zm9vYmFy//4="));
}

TEST(a_recording_is_a_line_at_its_start_one_for_each_block_and_one_at_its_end) {
    Ring ring;
    Recording recording;
    StringPrint out;
    recording.begin(out, kBlock + 2, 16000, 80);
    write(ring, 0, kBlock - 1);
    recording.send_blocks(out, ring);
    CHECK_EQUAL(lines_of(out.text).size(), 1u);  // the first block is not complete
    write(ring, kBlock - 1, 10);
    recording.send_blocks(out, ring);
    CHECK(!recording.active());
    const std::vector<std::string> lines = lines_of(out.text);
    CHECK_EQUAL(lines.size(), 4u);
    CHECK(contains(lines[0], "{\"eitk\":1,\"recording\":1,\"samples\":258,\"rate\":16000,\"gain\":80,"));
    CHECK(contains(lines[0], "\"block_samples\":256,\"crc\":"));
    CHECK(contains(lines[1], "{\"eitk\":1,\"of\":1,\"block\":0,\"pcm\":\"AAABAAIAAwAEAAUABg"));
    CHECK(contains(lines[2], "\"block\":1,\"pcm\":\"AAEBAQ==\",\"crc\":"));  // samples 256 and 257
    CHECK(contains(lines[3], "{\"eitk\":1,\"recorded\":1,\"samples\":258,\"blocks\":2,\"lost\":0,"));
    CHECK(contains(lines[3], "\"reason\":\"complete\",\"crc\":"));
}

TEST(the_checksum_is_that_of_the_characters_in_front_of_it) {
    StringPrint out;
    Recording recording;
    recording.begin(out, 1, 16000, 80);
    const size_t end = out.text.find(",\"crc\":");
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < end; ++i) crc = add_to_crc32(crc, static_cast<uint8_t>(out.text[i]));
    CHECK_EQUAL(out.text.substr(end), ",\"crc\":" + std::to_string(~crc) + "}\r\n");
}

TEST(blocks_that_were_overwritten_are_left_out_and_counted) {
    Ring ring;
    Recording recording;
    StringPrint out;
    recording.begin(out, 20 * kBlock, 16000, 80);
    write(ring, 0, kBlock);
    recording.send_blocks(out, ring);
    write(ring, kBlock, 2 * kCapacity);  // the computer does not read while this many samples arrive
    recording.send_blocks(out, ring);
    for (uint32_t written = kBlock + 2 * kCapacity; written < 20 * kBlock; written += kBlock) {
        write(ring, 0, kBlock);
        recording.send_blocks(out, ring);
    }
    CHECK(!recording.active());
    const std::vector<std::string> lines = lines_of(out.text);
    uint32_t blocks = 0;
    for (const std::string& line : lines) blocks += contains(line, "\"pcm\"") ? 1 : 0;
    CHECK(contains(lines.back(), "\"blocks\":" + std::to_string(blocks) + ",\"lost\":"));
    CHECK(contains(lines.back(), "\"lost\":" + std::to_string(20 - blocks) + ","));
    CHECK(blocks < 20 && blocks > 8);
    CHECK(!contains(out.text, "\"block\":1,"));
}

TEST(a_recording_without_a_length_ends_when_it_is_stopped) {
    Ring ring;
    Recording recording;
    StringPrint out;
    recording.begin(out, 0, 16000, 80);
    write(ring, 0, 2 * kBlock + 5);
    recording.send_blocks(out, ring);
    CHECK(recording.active());
    recording.end(out, "stopped");
    CHECK(!recording.active());
    CHECK(contains(lines_of(out.text).back(), "\"samples\":512,\"blocks\":2,\"lost\":0,\"reason\":\"stopped\""));
}

TEST(the_largest_line_of_a_block_fits_the_buffer) {
    LineBuffer line;
    StringPrint out;
    for (int i = 0; i < 684; ++i) line.print('A');
    line.print(R"({"eitk":1,"of":4294967295,"block":18446744073709551615,"pcm":"")");
    line.send_with_checksum(out);
    CHECK_EQUAL(out.text.substr(out.text.size() - 3), std::string("}\r\n"));
}

TEST(the_file_of_a_buffered_recording_is_cbor) {
    Ring ring;
    AcquisitionFile<Ring> file;
    CHECK_EQUAL(file.size(), 0u);
    const int16_t samples[] = {0, 1, -1, 32767, -32768};
    ring.write(samples, 5);
    file.begin(ring, 5, "board", "ARDUINO_NANO33BLE");
    const uint32_t values = file.size() - 15;
    const std::string header = content_of(file, 0, values);
    CHECK_EQUAL(header.substr(0, 12), std::string("\xA3\x69protected\xA2"));
    CHECK(contains(header,
                   "\x6B"
                   "device_name"
                   "\x65"
                   "board"));
    CHECK(contains(header, std::string("\x6Binterval_ms\xFA\x3D\x80\x00\x00", 17)));  // 0.0625 as float32
    CHECK_EQUAL(header.substr(values - 12), std::string("\x66values\x9A\x00\x00\x00\x05", 12));
    const std::string expected("\x19\x00\x00\x19\x00\x01\x39\x00\x00\x19\x7F\xFF\x39\x7F\xFF", 15);
    CHECK_EQUAL(content_of(file, values, file.size()), expected);
    file.begin(ring, 5, "a name of more than 32 characters..", "");
    CHECK(contains(content_of(file, 0, file.size()),
                   "\x78\x20"
                   "a name of more than 32 character\x6B"));
    file.clear();
    CHECK_EQUAL(file.size(), 0u);
}
