// From powers to decibels above the noise floor, as both log blocks scale them.
#ifndef EITK_DSP_LEVEL_H
#define EITK_DSP_LEVEL_H

#include <math.h>

#include "eitk/dsp/decibels.h"
#include "eitk/dsp/features.h"

namespace eitk {
namespace dsp {

// A value and the largest error it can have.
struct Estimate {
    float value, bound;
};

// A power that is the sum of bins, weighted by at most 1 and by `weight` in all, each off by at most `error` in its
// square root. The errors of bins are independent, so they add as squares: half of this was the most ever seen (with
// the sum of the bounds instead, nearly twice as many frames would be computed twice). The sum rounds a few times too.
inline Estimate power_estimate(float power, float error, float weight) {
    const float roundings = 16.0f + 4.0f * sqrtf(weight);
    return {power, error * (2.0f * sqrtf(power) + error * weight) + roundings * 6e-8f * power};
}

// (10 log10(power) - floor) / (12 - floor)
struct Level {
    float floor_db;

    double of(double power) const {
        return (decibels(power) - static_cast<double>(floor_db)) / (12.0 - static_cast<double>(floor_db));
    }

    // Where the error is too great to bound the logarithm from below, the bound from above may still show that the
    // level is under the floor.
    Estimate of(const Estimate& power) const {
        const float scale = 1.0f / (12.0f - floor_db), log = natural_log(above_zero(power.value));
        if (power.bound <= 0.3f * power.value) {
            const float relative = power.bound > 0.0f ? power.bound / power.value : 0.0f;
            const float bound = kDecibelsPerNeper * (1.25f * relative + log_error(log));
            return {(kDecibelsPerNeper * log - floor_db) * scale, bound * scale};
        }
        const float highest = natural_log(above_zero(power.value + power.bound));
        const bool under = kDecibelsPerNeper * (highest + log_error(highest)) < floor_db;
        return {-1.0f, under ? 0.0f : kUnbounded};
    }
};

}  // namespace dsp
}  // namespace eitk

#endif
