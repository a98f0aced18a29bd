// Reads one window of 16-bit samples; writes the int8 features of every block and the instructions that each took.
#include "eitk/classifier/impulse.h"
#include "machine.h"
#include "model-parameters/model_metadata.h"
#include "semihosting.h"

static int16_t window[EI_CLASSIFIER_RAW_SAMPLE_COUNT];
static int8_t features[EI_CLASSIFIER_NN_INPUT_FRAME_SIZE];
static uint32_t instructions[8];

static int read_window(const void*, size_t offset, size_t length, float* out) {
    for (size_t i = 0; i < length; ++i) out[i] = static_cast<float>(window[offset + i]);
    return 0;
}

static void read_file(const char* name, void* to, size_t bytes) {
    const int32_t file = semihosting::open(name, semihosting::Mode::kRead);
    if (semihosting::read(file, to, bytes) != bytes) machine::exit(1);
    semihosting::close(file);
}

static void write_file(const char* name, const void* from, size_t bytes) {
    const int32_t file = semihosting::open(name, semihosting::Mode::kWrite);
    if (semihosting::write(file, from, bytes) != bytes) machine::exit(1);
    semihosting::close(file);
}

int main() {
    read_file("window.bin", window, sizeof window);
    for (size_t i = 0; i < eitk::impulse::kBlockCount; ++i) {
        const eitk::impulse::ImpulseBlock& block = eitk::impulse::kBlocks[i];
        eitk::dsp::FeatureWriter out(features + block.offset, SCALE, ZERO_POINT);
        const uint32_t start = machine::timer_ticks();
        block.block->window({read_window, nullptr, EI_CLASSIFIER_RAW_SAMPLE_COUNT}, eitk::impulse::kWorkspace, out);
        instructions[i] = static_cast<uint32_t>(static_cast<uint64_t>(machine::timer_ticks() - start) * 5 / 128);
    }
    write_file("features.bin", features, sizeof features);
    write_file("instructions.bin", instructions, sizeof instructions);
    return 0;
}
