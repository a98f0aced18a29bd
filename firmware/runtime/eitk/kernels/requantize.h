// From a 32-bit accumulator to an int8 value: the fixed-point multiplication of TensorFlow Lite, which rounds twice.
#pragma once

#include "eitk/kernels/simd.h"

namespace eitk {
namespace kernels {

// Bias and scale of one output channel. The real scale is multiplier * 2^-31 * 2^shift.
struct Channel {
    int32_t bias;  // includes -zero_point * sum(weights)
    int32_t multiplier;
    int32_t shift;  // positive values shift to the left
};

inline int32_t clamp(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : (value > high ? high : value);
}

// value / 2^exponent, rounded to nearest, halves away from zero, for 0 <= exponent <= 31.
inline int32_t rounding_divide_by_power_of_two(int32_t value, int exponent) {
    const int32_t mask = static_cast<int32_t>((UINT32_C(1) << exponent) - 1);
    const int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
    return (value >> exponent) + ((value & mask) > threshold ? 1 : 0);
}

// round(a * b / 2^31). Only INT32_MIN * INT32_MIN saturates.
inline int32_t saturating_doubling_high_mul(int32_t a, int32_t b) {
    if (a == b && a == INT32_MIN) return INT32_MAX;
    const int64_t product = static_cast<int64_t>(a) * b;
    const int64_t nudge = product >= 0 ? (INT64_C(1) << 30) : 1 - (INT64_C(1) << 30);
    return static_cast<int32_t>((product + nudge) / (INT64_C(1) << 31));
}

// value * multiplier * 2^(shift - 31) for any multiplier and shift.
inline int32_t multiply_by_quantized(int32_t value, int32_t multiplier, int32_t shift) {
    const int left = shift > 0 ? shift : 0;
    const int right = shift > 0 ? 0 : -shift;
    const int32_t shifted = static_cast<int32_t>(static_cast<uint32_t>(value) << left);
    return rounding_divide_by_power_of_two(saturating_doubling_high_mul(shifted, multiplier), right);
}

// The same, rounded once, halves upwards. In the reference interpreter only FULLY_CONNECTED does this.
inline int32_t multiply_rounding_once(int32_t value, int32_t multiplier, int32_t shift) {
    const int total_shift = 31 - shift;
    const int64_t half = INT64_C(1) << (total_shift - 1);
    return static_cast<int32_t>((static_cast<int64_t>(value) * multiplier + half) >> total_shift);
}

// Adds the zero point and clamps to the range of the activation function. S: kMin, kMax, kOutputZeroPoint. The value is
// clamped first, so that the sum cannot overflow.
template <class S>
inline int8_t finish(int32_t value) {
    return static_cast<int8_t>(clamp(value, S::kMin - S::kOutputZeroPoint, S::kMax - S::kOutputZeroPoint) +
                               S::kOutputZeroPoint);
}

// Clamps a value from -128 to 127 to the range of the activation function. S: kMin, kMax.
template <class S>
inline int8_t activated(int32_t value) {
    if (S::kMin > -128 && value < S::kMin) value = S::kMin;
    if (S::kMax < 127 && value > S::kMax) value = S::kMax;
    return static_cast<int8_t>(value);
}

// Converts an accumulator with |acc| < 2^30 to an int8 value with the scale multiplier * 2^-31 * 2^(-1 - right), where
// right >= 0. S: the constants of `finish`.
template <class S>
inline int8_t requantize_fast(int32_t acc, int32_t multiplier, int32_t right) {
    int32_t value = doubling_high_mul(acc, multiplier);
    // Rounds halves away from zero. The step is not needed where a ReLU turns every negative result into zero.
    if (S::kMin < S::kOutputZeroPoint) value += value >> 31;
    // Shifts by all but one bit, adds the rounding and the zero point in units of halves, and shifts by the last bit
    // together with the saturation.
    return activated<S>(saturate_half_int8((value >> right) + 1 + 2 * S::kOutputZeroPoint));
}

// Converts an accumulator to an int8 value. S: the constants of `finish`; kFast, whether |acc| < 2^30 and
// -30 <= shift <= -1 in every channel, which a few instructions handle.
template <class S>
inline int8_t requantize(int32_t acc, int32_t multiplier, int32_t shift) {
    return S::kFast ? requantize_fast<S>(acc, multiplier, -shift - 1)
                    : finish<S>(multiply_by_quantized(acc, multiplier, shift));
}

}  // namespace kernels
}  // namespace eitk
