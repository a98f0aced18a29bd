// From powers to levels above the noise floor, as the Spectrogram and MFE blocks scale them.
#ifndef EITK_DSP_LEVEL_H
#define EITK_DSP_LEVEL_H

#include <math.h>

#include "eitk/dsp/decibels.h"
#include "eitk/dsp/features.h"

namespace eitk {
namespace dsp {

// A value computed in float, and a bound on its error.
struct Estimate {
    float value, bound;
};

// The estimate of a power that is a weighted sum of bins. No weight is greater than 1 and their sum is `weight`. The
// square root of each bin has an error of at most `error`. The errors of bins are independent, so their squares are
// added; the largest error in the tests is half of this bound. (The sum of the bounds would cause nearly twice as many
// frames to be computed again.) The last term covers the roundings of the sum.
inline Estimate power_estimate(float power, float error, float weight) {
    const float roundings = 16.0f + 4.0f * sqrtf(weight);
    return {power, error * (2.0f * sqrtf(power) + error * weight) + roundings * 6e-8f * power};
}

// (10 log10(power) - floor) / (12 - floor)
struct LevelScale {
    float floor_db;

    double level(double power) const {
        return (decibels(power) - static_cast<double>(floor_db)) / (12.0 - static_cast<double>(floor_db));
    }

    // If the error of the power is too great for a lower bound of the logarithm, the upper bound may still show that
    // the level is below the floor, where its exact value has no effect.
    Estimate level(const Estimate& power) const {
        const float scale = 1.0f / (12.0f - floor_db), log = natural_log(at_least_smallest_power(power.value));
        if (power.bound <= 0.3f * power.value) {
            const float relative = power.bound > 0.0f ? power.bound / power.value : 0.0f;
            const float bound = kDecibelsPerNeper * (1.25f * relative + log_error(log));
            return {(kDecibelsPerNeper * log - floor_db) * scale, bound * scale};
        }
        const float upper_log = natural_log(at_least_smallest_power(power.value + power.bound));
        const bool below_floor = kDecibelsPerNeper * (upper_log + log_error(upper_log)) < floor_db;
        return {-1.0f, below_floor ? 0.0f : kUnbounded};
    }
};

}  // namespace dsp
}  // namespace eitk

#endif
