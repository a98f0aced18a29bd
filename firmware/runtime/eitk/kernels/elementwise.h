// Operators on two tensors (ADD, SUB, MUL, MAXIMUM, ...), int8 and float. Either input may be broadcast along any of four dimensions.
#pragma once

#include <float.h>

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// S: kZeroA, kMultiplierA, kShiftA and the same for B, which bring each input, multiplied by 2^20, to a common scale;
// kOutMultiplier and kOutShift, which bring the sum to the scale of the output.
template <class S>
struct AddInt8 {
    static int32_t scaled(int32_t value, int32_t multiplier, int32_t shift) {
        return rounding_divide_by_power_of_two(doubling_high_mul(value * (1 << 20), multiplier), -shift);
    }
    // The sum is below 2^30: each input has at most nine bits, is multiplied by 2^20 and then at least halved.
    static int32_t scaled_back(int32_t sum) {
        return rounding_divide_by_power_of_two(doubling_high_mul(sum, S::kOutMultiplier), -S::kOutShift);
    }
    static int8_t apply(int8_t a, int8_t b) {
        const int32_t sum =
            scaled(a - S::kZeroA, S::kMultiplierA, S::kShiftA) + scaled(b - S::kZeroB, S::kMultiplierB, S::kShiftB);
        return finish<S>(scaled_back(sum));
    }
};

template <class S>
struct SubInt8 {
    static int8_t apply(int8_t a, int8_t b) {
        const int32_t difference = AddInt8<S>::scaled(a - S::kZeroA, S::kMultiplierA, S::kShiftA) -
                                   AddInt8<S>::scaled(b - S::kZeroB, S::kMultiplierB, S::kShiftB);
        return finish<S>(AddInt8<S>::scaled_back(difference));
    }
};

// Both inputs and the output have one scale.
template <class S>
struct MaximumInt8 {
    static int8_t apply(int8_t a, int8_t b) { return a > b ? a : b; }
};

template <class S>
struct MinimumInt8 {
    static int8_t apply(int8_t a, int8_t b) { return a < b ? a : b; }
};

// S: kMultiplierA and kShiftA for positive values, kOutMultiplier and kOutShift for negative ones times their slope b.
template <class S>
struct PreluInt8 {
    static int8_t apply(int8_t a, int8_t b) {
        const int32_t value = a - S::kZeroA;
        if (value >= 0) return finish<S>(multiply_by_quantized(value, S::kMultiplierA, S::kShiftA));
        return finish<S>(multiply_by_quantized(value * (b - S::kZeroB), S::kOutMultiplier, S::kOutShift));
    }
};

template <class S>
struct MulInt8 {
    static int8_t apply(int8_t a, int8_t b) {
        return requantize<S>((a - S::kZeroA) * (b - S::kZeroB), S::kOutMultiplier, S::kOutShift);
    }
};

template <class S>
inline float clamp_float(float value) {
    return value < S::min() ? S::min() : (value > S::max() ? S::max() : value);
}

template <class S>
struct AddFloat {
    static float apply(float a, float b) { return clamp_float<S>(a + b); }
};

template <class S>
struct MulFloat {
    static float apply(float a, float b) { return clamp_float<S>(a * b); }
};

template <class S>
struct SubFloat {
    static float apply(float a, float b) { return clamp_float<S>(a - b); }
};

template <class S>
struct DivFloat {
    static float apply(float a, float b) { return clamp_float<S>(a / b); }
};

template <class S>
struct MaximumFloat {
    static float apply(float a, float b) { return a > b ? a : b; }
};

template <class S>
struct MinimumFloat {
    static float apply(float a, float b) { return a < b ? a : b; }
};

template <class S>
struct SquaredDifferenceFloat {
    static float apply(float a, float b) { return (a - b) * (a - b); }
};

template <class S>
struct PreluFloat {
    static float apply(float a, float b) { return a >= 0.0f ? a : a * b; }
};

// Applies F to S::kSize0 x kSize1 x kSize2 x kSize3 elements. kStrideA0 .. kStrideB3 are 0 along a broadcast dimension.
// The output may be the memory of an input that is not broadcast.
template <class S, class F, class T>
inline void elementwise(const T* a, const T* b, T* out) {
    for (int i = 0; i < S::kSize0; ++i) {
        for (int j = 0; j < S::kSize1; ++j) {
            for (int k = 0; k < S::kSize2; ++k) {
                const T* row_a = a + i * S::kStrideA0 + j * S::kStrideA1 + k * S::kStrideA2;
                const T* row_b = b + i * S::kStrideB0 + j * S::kStrideB1 + k * S::kStrideB2;
                for (int n = 0; n < S::kSize3; ++n) *out++ = F::apply(row_a[n * S::kStrideA3], row_b[n * S::kStrideB3]);
            }
        }
    }
}

}  // namespace kernels
}  // namespace eitk
