// Arduino cores build libraries with -Os; the loops of this file are worth more.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/spectrum.h"

#include <math.h>

namespace eitk {
namespace dsp {
namespace {

constexpr float kUnit = 1.0f / 16777216.0f;  // 2^-24, half the distance between floats at 1

// Roundings of a float FFT spread evenly over the bins, with a root mean square of about 0.4 sqrt(log2 n) units of the
// input's norm (Schatzman 1996). Those of its last stages stay near, and are units of the strongest bin. Over noise,
// tones, square waves and music 3.0 and 3.7 were enough for every bin.
constexpr float kEvenError = 6.0f * kUnit;
constexpr float kPeakError = 5.0f * kUnit;

float error_bound(const float* power, size_t fft) {
    float total = 0.0f, greatest = 0.0f;
    for (size_t k = 0; k <= fft / 2; ++k) {
        total += power[k];
        if (power[k] > greatest) greatest = power[k];
    }
    const float levels = static_cast<float>(__builtin_ctz(static_cast<unsigned>(fft)));
    const float norm = sqrtf(2.0f * levels * total / static_cast<float>(fft));  // by Parseval
    return kEvenError * norm + kPeakError * sqrtf(greatest);
}

}  // namespace

int load(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work) {
    float* x = work.samples;
    if (const int error = frame.read(used, x)) return error;
    for (size_t i = used; i < fft; ++i) x[i] = 0.0f;
    return emphasis.shift == 0 ? 0 : emphasise(frame, emphasis, used, x);
}

Spectrum<float> quick_spectrum(size_t fft, const Workspace& work) {
    float* power = reinterpret_cast<float*>(work.spectrum);
    power_spectrum(work.samples, power, fft, work.twiddles);
    return {power, error_bound(power, fft)};
}

Spectrum<Twofold> exact_spectrum(size_t fft, const Workspace& work) {
    power_spectrum(work.samples, work.spectrum, fft, work.exact_twiddles);
    return {work.spectrum, Twofold(0.0f)};
}

}  // namespace dsp
}  // namespace eitk
