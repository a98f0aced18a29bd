// The generated impulse's blocks, one at a time, for Python.
#include <string.h>

#include "eitk/classifier/impulse.h"
#include "eitk/dsp/decibels.h"
#include "eitk/dsp/spectrum.h"

namespace {

int read_window(const void* context, size_t offset, size_t length, float* out) {
    memcpy(out, static_cast<const float*>(context) + offset, length * sizeof *out);
    return 0;
}

int window(int block, const eitk::dsp::SampleSource& samples, eitk::dsp::FeatureWriter writer) {
    return eitk::impulse::kBlocks[block].block->window(samples, eitk::impulse::kWorkspace, writer);
}

int read_nothing(const void*, size_t, size_t, float*) { return -7; }

}  // namespace

extern "C" {

int features(int block, const float* samples, size_t length, float* out) {
    return window(block, {read_window, samples, length}, eitk::dsp::FeatureWriter(out));
}

int quantised(int block, const float* samples, size_t length, float scale, int zero_point, int8_t* out) {
    return window(block, {read_window, samples, length}, eitk::dsp::FeatureWriter(out, scale, zero_point));
}

int failing(int block, float* out) {
    return window(block, {read_nothing, nullptr, 48000}, eitk::dsp::FeatureWriter(out));
}

void reset(int block) { eitk::impulse::streams[block].reset(); }

// 1 if a whole window has been seen, 0 if not yet.
int feed(int block, const float* slice, size_t length, float* newest) {
    eitk::dsp::Stream& stream = eitk::impulse::streams[block];
    const auto writer_at = [](float* at) { return eitk::dsp::FeatureWriter(at); };
    stream.feed<float>({read_window, slice, length}, eitk::impulse::kWorkspace, newest, writer_at);
    return stream.complete() ? 1 : 0;
}

// The power spectrum of fft samples, in float and in DoubleFloat. Returns the
// bound on the error of the square roots of the former.
float spectra(const float* samples, size_t fft, float* in_float, double* in_double_float) {
    const eitk::dsp::Workspace& work = eitk::impulse::kWorkspace;
    memcpy(work.samples, samples, fft * sizeof *samples);
    const eitk::dsp::Spectrum<float> spectrum = eitk::dsp::float_spectrum(fft, work);
    memcpy(in_float, spectrum.power, (fft / 2 + 1) * sizeof *in_float);
    const float error = spectrum.error;
    const eitk::dsp::Spectrum<eitk::dsp::DoubleFloat> accurate = eitk::dsp::double_float_spectrum(fft, work);
    for (size_t k = 0; k <= fft / 2; ++k) in_double_float[k] = static_cast<double>(accurate.power[k]);
    return error;
}

void logarithms(const float* x, size_t count, float* logs, float* errors) {
    for (size_t i = 0; i < count; ++i) {
        logs[i] = eitk::dsp::natural_log(x[i]);
        errors[i] = eitk::dsp::log_error(logs[i]);
    }
}
}
