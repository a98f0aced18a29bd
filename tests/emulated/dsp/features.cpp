// Reads one window of 16-bit samples; writes every block's int8 features and the instructions that each took.
#include "bare.h"

#include "eitk/classifier/impulse.h"
#include "model-parameters/model_metadata.h"

static int16_t window[EI_CLASSIFIER_RAW_SAMPLE_COUNT];
static int8_t features[EI_CLASSIFIER_NN_INPUT_FRAME_SIZE];
static uint32_t spent[8];

static int read_window(const void*, size_t offset, size_t length, float* out) {
    for (size_t i = 0; i < length; ++i) out[i] = static_cast<float>(window[offset + i]);
    return 0;
}

int main() {
    bare::read_file("window.bin", window, sizeof window);
    for (size_t i = 0; i < eitk::impulse::kBlockCount; ++i) {
        const eitk::impulse::BlockPlace& place = eitk::impulse::kBlocks[i];
        eitk::dsp::FeatureWriter out(features + place.offset, SCALE, ZERO_POINT);
        const uint64_t before = bare::instructions();
        place.block->window({read_window, nullptr, EI_CLASSIFIER_RAW_SAMPLE_COUNT}, eitk::impulse::kWorkspace, out);
        spent[i] = static_cast<uint32_t>(bare::instructions() - before);
    }
    bare::write_file("features.bin", features, sizeof features);
    bare::write_file("instructions.bin", spent, sizeof spent);
}
