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

int load(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, float* x) {
    if (const int error = frame.read(used, x)) return error;
    for (size_t i = used; i < fft; ++i) x[i] = 0.0f;
    return emphasis.shift == 0 ? 0 : emphasise(frame, emphasis, used, x);
}

}  // namespace

int spectrum(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work,
             Spectrum<float>* out) {
    float* samples = reinterpret_cast<float*>(work.exact);
    if (const int error = load(frame, used, fft, emphasis, samples)) return error;
    power_spectrum(samples, fft, work.twiddles);
    *out = {samples, error_bound(samples, fft)};
    return 0;
}

int spectrum(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work,
             Spectrum<double>* out) {
    float* samples = reinterpret_cast<float*>(work.exact) + fft;  // widening upward never overtakes what is unread
    if (const int error = load(frame, used, fft, emphasis, samples)) return error;
    for (size_t i = 0; i < fft; ++i) work.exact[i] = static_cast<double>(samples[i]);
    power_spectrum(work.exact, fft, work.exact_twiddles);
    *out = {work.exact, 0.0};
    return 0;
}

}  // namespace dsp
}  // namespace eitk
