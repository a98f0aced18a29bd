// Arduino cores compile libraries with -Os. The loops of this file dominate the run time, so it is compiled with -O2.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/spectrum.h"

#include <math.h>

namespace eitk {
namespace dsp {
namespace {

constexpr float kUnitRoundoff = 1.0f / 16777216.0f;  // 2^-24, half the distance between floats at 1

// The rounding errors of a float FFT are spread evenly over the bins, with a root mean square of about
// 0.4 sqrt(log2 n) roundoffs of the norm of the input (Schatzman 1996). Those of the last stages stay near the bin that
// caused them, and are proportional to the strongest bin. For noise, tones, square waves and music, factors of 3.0 and
// 3.7 bounded the error of every bin.
constexpr float kEvenError = 6.0f * kUnitRoundoff;
constexpr float kPeakError = 5.0f * kUnitRoundoff;

float error_bound(const float* power, size_t fft) {
    float total = 0.0f, greatest = 0.0f;
    for (size_t k = 0; k <= fft / 2; ++k) {
        total += power[k];
        if (power[k] > greatest) greatest = power[k];
    }
    const auto stages = static_cast<float>(__builtin_ctz(static_cast<unsigned>(fft)));
    const float norm = sqrtf(2.0f * stages * total / static_cast<float>(fft));  // by Parseval's theorem
    return kEvenError * norm + kPeakError * sqrtf(greatest);
}

}  // namespace

int load(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work) {
    float* x = work.samples;
    if (const int error = frame.read(used, x)) return error;
    for (size_t i = used; i < fft; ++i) x[i] = 0.0f;
    return emphasis.shift == 0 ? 0 : emphasise(frame, emphasis, used, x);
}

Spectrum<float> float_spectrum(size_t fft, const Workspace& work) {
    auto* power = reinterpret_cast<float*>(work.spectrum);
    power_spectrum(work.samples, power, fft, work.twiddles);
    return {power, error_bound(power, fft)};
}

Spectrum<DoubleFloat> double_float_spectrum(size_t fft, const Workspace& work) {
    power_spectrum(work.samples, work.spectrum, fft, work.double_float_twiddles);
    return {work.spectrum, DoubleFloat(0.0f)};
}

}  // namespace dsp
}  // namespace eitk
