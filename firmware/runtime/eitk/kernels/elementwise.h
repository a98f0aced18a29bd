// Operators on two tensors (ADD, SUB, MUL, MAXIMUM, ...), int8 and float. Either input may be broadcast along any of
// four dimensions.
#pragma once

#include <float.h>

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// value / 2^kExponent, rounded to nearest, halves away from zero, where the sum with the rounding has 32 bits.
template <int kExponent>
inline int32_t rounded_shift(int32_t value) {
    constexpr int32_t kHalf = kExponent > 0 ? 1 << (kExponent - (kExponent > 0 ? 1 : 0)) : 0;
    return kExponent == 0 ? value : (value + (value >> 31) + kHalf) >> kExponent;
}

// S: kZeroA, kMultiplierA, kShiftA and the same for B, which bring each input, multiplied by 2^20, to a common scale;
// kOutMultiplier and kOutShift, which bring the sum to the scale of the output.
template <class S>
struct AddInt8 {
    // The scale of the input with the larger range is a half, which needs no multiplication.
    template <int32_t kMultiplier, int kShift>
    static int32_t scaled(int32_t value) {
        if (kMultiplier == 1 << 30 && kShift == 0) return value * (1 << 19);
        return rounded_shift<-kShift>(doubling_high_mul(value * (1 << 20), kMultiplier));
    }
    // The sum is below 2^30: each input has at most nine bits, is multiplied by 2^20 and then at least halved.
    static int8_t apply(int8_t a, int8_t b) {
        const int32_t sum =
            scaled<S::kMultiplierA, S::kShiftA>(a - S::kZeroA) + scaled<S::kMultiplierB, S::kShiftB>(b - S::kZeroB);
        return finish<S>(rounded_shift<-S::kOutShift>(doubling_high_mul(sum, S::kOutMultiplier)));
    }
};

template <class S>
struct SubInt8 {
    static int8_t apply(int8_t a, int8_t b) {
        using Add = AddInt8<S>;
        const int32_t of_a = Add::template scaled<S::kMultiplierA, S::kShiftA>(a - S::kZeroA);
        const int32_t of_b = Add::template scaled<S::kMultiplierB, S::kShiftB>(b - S::kZeroB);
        return finish<S>(rounded_shift<-S::kOutShift>(doubling_high_mul(of_a - of_b, S::kOutMultiplier)));
    }
};

// S: as for AddInt8, where the inputs are multiplied by 2^7.
template <class S>
struct SquaredDifferenceInt8 {
    static int8_t apply(int8_t a, int8_t b) {
        const int32_t of_a = multiply_by_quantized((a - S::kZeroA) * (1 << 7), S::kMultiplierA, S::kShiftA);
        const int32_t of_b = multiply_by_quantized((b - S::kZeroB) * (1 << 7), S::kMultiplierB, S::kShiftB);
        return finish<S>(multiply_by_quantized((of_a - of_b) * (of_a - of_b), S::kOutMultiplier, S::kOutShift));
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
// An output of the same type may be the memory of an input that is not broadcast.
template <class S, class F, class T, class Out>
inline void elementwise(const T* a, const T* b, Out* out) {
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
