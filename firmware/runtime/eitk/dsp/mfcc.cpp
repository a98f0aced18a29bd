// Arduino cores build libraries with -Os; the loops of this file are worth more.
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

constexpr double kZeroEnergy = 1e-10;  // what the published block puts in place of an energy of zero

Estimate log_estimate(float power, float relative) {
    const float log = natural_log(power);
    return {log, 1.25f * relative + log_error(log)};
}

// ln of a power in the block's own scale, from float with the bound that its estimate implies, or from double.
Estimate log_power(float power, float error, float weight, double scale) {
    const Estimate found = power_estimate(power, error, weight);
    if (found.value + found.bound == 0.0f) return log_estimate(static_cast<float>(kZeroEnergy), 0.0f);
    if (!(found.bound <= 0.3f * found.value)) return {0.0f, kUnbounded};
    return log_estimate(power * static_cast<float>(scale), found.bound / power);
}

Estimate log_power(Twofold power, Twofold, float, double scale) {
    const double exact = static_cast<double>(power);
    return {static_cast<float>(log(exact == 0.0 ? kZeroEnergy : exact * scale)), 0.0f};
}

template <typename Real>
Real total(const Real* power, size_t bins) {
    Real sum(0.0f);
    for (size_t k = 0; k < bins; ++k) sum += power[k];
    return sum;
}

}  // namespace

// The bounds of bands are those of independent errors, so they add as squares.
template <typename Real>
bool Mfcc::cepstrum(const Spectrum<Real>& found, float* logs, FeatureWriter& out) const {
    const size_t bands = bank_.bands, bins = fft_ / 2 + 1;
    float squares = 0.0f;
    for (size_t i = 0; i < bands; ++i) {
        const Estimate band = log_power(bank_.energy(found.power, i), found.error, bank_.weight(i), power_scale_);
        logs[i] = band.value;
        squares += band.bound < kUnbounded ? band.bound * band.bound : kUnbounded;
    }
    const Estimate energy = log_power(total(found.power, bins), found.error, static_cast<float>(bins), power_scale_);
    bool settled = out.settle(0, energy.value, energy.bound);
    const float bound = sqrtf(2.0f * squares / static_cast<float>(bands));
    for (size_t j = 1; j < cosines_.count; ++j) {
        float sum = 0.0f;
        for (size_t i = 0; i < bands; ++i) sum += cosines_.rows[j * bands + i] * logs[i];
        settled = out.settle(j, sum, bound) && settled;
    }
    return settled;
}

int Mfcc::row(const Frame& frame, const Workspace& work, FeatureWriter& out) const {
    if (const int error = load(frame, framing().used, fft_, emphasis_, work)) return error;
    float* logs = reinterpret_cast<float*>(work.spectrum) + fft_ + 2;  // behind the bins, in float as in Twofold
    if (!cepstrum(quick_spectrum(fft_, work), logs, out)) cepstrum(exact_spectrum(fft_, work), logs, out);
    return 0;
}

// Each coefficient minus its mean over the window around it, then divided by the deviation of what is left.
void Mfcc::normalise(const float* rows, const Workspace& work, FeatureWriter& out) const {
    const size_t frames = framing().count;
    float* centred = reinterpret_cast<float*>(work.spectrum);
    for (size_t j = 0; j < bins(); ++j) {
        SlidingSums raw({rows + j, frames, bins()}, window_);
        for (size_t i = 0; i < frames; ++i, raw.step())
            centred[i] = static_cast<float>(static_cast<double>(rows[i * bins() + j]) - raw.mean());
        SlidingSums left({centred, frames, 1}, window_);
        for (size_t i = 0; i < frames; ++i, left.step())
            out.put(i * bins() + j, static_cast<double>(centred[i] / (left.deviation() + 1e-10f)));
    }
}

}  // namespace dsp
}  // namespace eitk
