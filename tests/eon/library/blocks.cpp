// The generated impulse's blocks, one at a time, for Python.
#include <string.h>

#include "eitk/classifier/impulse.h"

namespace {

int read_window(const void* context, size_t offset, size_t length, float* out) {
    memcpy(out, static_cast<const float*>(context) + offset, length * sizeof *out);
    return 0;
}

int read_nothing(const void*, size_t, size_t, float*) { return -7; }

}  // namespace

extern "C" {

int features(int block, const float* samples, size_t length, float* out) {
    eitk::dsp::FeatureWriter writer(out);
    return eitk::impulse::kBlocks[block].block->window({read_window, samples, length}, eitk::impulse::kWorkspace, writer);
}

int quantised(int block, const float* samples, size_t length, float scale, int zero_point, int8_t* out) {
    eitk::dsp::FeatureWriter writer(out, scale, zero_point);
    return eitk::impulse::kBlocks[block].block->window({read_window, samples, length}, eitk::impulse::kWorkspace, writer);
}

int failing(int block, float* out) {
    eitk::dsp::FeatureWriter writer(out);
    return eitk::impulse::kBlocks[block].block->window({read_nothing, nullptr, 48000}, eitk::impulse::kWorkspace, writer);
}

void reset(int block) { eitk::impulse::kStreams[block].reset(); }

// 1 if a whole window has been seen, 0 if not yet.
int feed(int block, const float* slice, size_t length, float* newest) {
    eitk::dsp::Stream& stream = eitk::impulse::kStreams[block];
    const auto writer_at = [](float* at) { return eitk::dsp::FeatureWriter(at); };
    stream.feed<float>({read_window, slice, length}, eitk::impulse::kWorkspace, newest, writer_at);
    return stream.complete() ? 1 : 0;
}
}
