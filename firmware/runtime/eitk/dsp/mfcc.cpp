// Arduino cores compile libraries with -Os. The loops of this file dominate the run time, so it is compiled with -O2.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/mfcc.h"

#include <math.h>

#include "eitk/dsp/level.h"
#include "eitk/dsp/sliding.h"

namespace eitk {
namespace dsp {
namespace {

constexpr double kZeroEnergy = 1e-10;  // the block replaces an energy of zero by this

Estimate log_estimate(float power, float relative_bound) {
    const float log = natural_log(power);
    return {log, 1.25f * relative_bound + log_error(log)};
}

// The logarithm of a power that is a sum of bins: in float, with the bound that follows from the error of the bins.
Estimate log_power(float power, float error, float weight, double scale) {
    const Estimate estimate = power_estimate(power, error, weight);
    if (estimate.value + estimate.bound == 0.0f) return log_estimate(static_cast<float>(kZeroEnergy), 0.0f);
    if (!(estimate.bound <= 0.3f * estimate.value)) return {0.0f, kUnbounded};
    return log_estimate(power * static_cast<float>(scale), estimate.bound / power);
}

// The same in double.
Estimate log_power(DoubleFloat power, DoubleFloat, float, double scale) {
    const auto value = static_cast<double>(power);
    return {static_cast<float>(log(value == 0.0 ? kZeroEnergy : value * scale)), 0.0f};
}

template <typename Real>
Real total(const Real* power, size_t bins) {
    Real sum(0.0f);
    for (size_t k = 0; k < bins; ++k) sum += power[k];
    return sum;
}

}  // namespace

// Writes the coefficients of one frame: the logarithm of the energy, then the DCT of the logarithms of the bands. True
// if the accuracy of `Real` is enough for all of them. The errors of bands are independent, so their squares are added.
template <typename Real>
bool Mfcc::try_quantize_cepstrum(const Spectrum<Real>& spectrum, float* logs, FeatureWriter& out) const {
    const size_t bands = bank_.bands, bins = fft_ / 2 + 1;
    float sum_of_squares = 0.0f;
    for (size_t i = 0; i < bands; ++i) {
        const Estimate band = log_power(bank_.energy(spectrum.power, i), spectrum.error, bank_.weight(i), power_scale_);
        logs[i] = band.value;
        sum_of_squares += band.bound < kUnbounded ? band.bound * band.bound : kUnbounded;
    }
    const Estimate energy =
        log_power(total(spectrum.power, bins), spectrum.error, static_cast<float>(bins), power_scale_);
    bool quantized = out.try_quantize(0, energy.value, energy.bound);
    const float bound = sqrtf(2.0f * sum_of_squares / static_cast<float>(bands));
    for (size_t j = 1; j < cosines_.count; ++j) {
        float sum = 0.0f;
        for (size_t i = 0; i < bands; ++i) sum += cosines_.rows[j * bands + i] * logs[i];
        quantized = out.try_quantize(j, sum, bound) && quantized;
    }
    return quantized;
}

int Mfcc::row(const Frame& frame, const Workspace& work, FeatureWriter& out) const {
    if (const int error = load(frame, framing().used, fft_, emphasis_, work)) return error;
    float* logs = reinterpret_cast<float*>(work.spectrum) + fft_ + 2;  // behind the bins, in float and in DoubleFloat
    if (!try_quantize_cepstrum(float_spectrum(fft_, work), logs, out)) {
        try_quantize_cepstrum(double_float_spectrum(fft_, work), logs, out);
    }
    return 0;
}

// From each coefficient its mean over the sliding window is subtracted. The result is divided by its standard deviation
// over the sliding window.
void Mfcc::normalise(const float* rows, const Workspace& work, FeatureWriter& out) const {
    const size_t frames = framing().count;
    auto* centred = reinterpret_cast<float*>(work.spectrum);
    for (size_t j = 0; j < bins(); ++j) {
        SlidingSums row_sums({rows + j, frames, bins()}, window_);
        for (size_t i = 0; i < frames; ++i, row_sums.step()) {
            centred[i] = static_cast<float>(static_cast<double>(rows[i * bins() + j]) - row_sums.mean());
        }
        SlidingSums centred_sums({centred, frames, 1}, window_);
        for (size_t i = 0; i < frames; ++i, centred_sums.step()) {
            const float divisor = centred_sums.standard_deviation() + 1e-10f;
            out.write(i * bins() + j, static_cast<double>(centred[i] / divisor));
        }
    }
}

}  // namespace dsp
}  // namespace eitk
