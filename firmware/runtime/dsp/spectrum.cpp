// Arduino cores build libraries with -Os; the loops of this file are worth more.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/spectrum.h"

#include <math.h>

namespace eitk {
namespace dsp {
namespace {

// The root mean square error of a float FFT is about 0.6 * 2^-24 * sqrt(log2 n) times the norm of its input, evenly
// spread over the bins (Schatzman 1996). Nine times that was never seen to be exceeded by half; see the tests.
constexpr float kErrorFactor = 5.4f / 16777216.0f;

float error_bound(const float* power, size_t fft) {
    float total = 0.0f;
    for (size_t k = 0; k <= fft / 2; ++k) total += power[k];
    const float levels = static_cast<float>(__builtin_ctz(static_cast<unsigned>(fft)));
    return kErrorFactor * sqrtf(2.0f * levels * total / static_cast<float>(fft));  // Parseval gives the norm
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

Spectrum<double> exact_spectrum(size_t fft, const Workspace& work) {
    power_spectrum(work.samples, work.spectrum, fft, work.exact_twiddles);
    return {work.spectrum, 0.0};
}

}  // namespace dsp
}  // namespace eitk
