// Operators on int16 data: sums, products and functions of one value; and conversions between int8 and int16.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// S: kMultiplierA, kShiftA and the same for B, which bring each input, multiplied by 2^15, to a common scale;
// kOutMultiplier and kOutShift, which bring the sum to the scale of the output; kMin, kMax.
template <class S>
struct AddInt16 {
    static int32_t scaled_a(int16_t a) { return multiply_by_quantized(a * (1 << 15), S::kMultiplierA, S::kShiftA); }
    static int32_t scaled_b(int16_t b) { return multiply_by_quantized(b * (1 << 15), S::kMultiplierB, S::kShiftB); }
    static int16_t of_sum(int32_t sum) {
        return static_cast<int16_t>(
            clamp(multiply_by_quantized(sum, S::kOutMultiplier, S::kOutShift), S::kMin, S::kMax));
    }
    static int16_t apply(int16_t a, int16_t b) { return of_sum(scaled_a(a) + scaled_b(b)); }
};

template <class S>
struct SubInt16 {
    static int16_t apply(int16_t a, int16_t b) {
        return AddInt16<S>::of_sum(AddInt16<S>::scaled_a(a) - AddInt16<S>::scaled_b(b));
    }
};

template <class S>
struct MulInt16 {
    static int16_t apply(int16_t a, int16_t b) {
        const int32_t product = multiply_by_quantized(a * b, S::kOutMultiplier, S::kOutShift);
        return static_cast<int16_t>(clamp(product, S::kMin, S::kMax));
    }
};

// S: kMultiplier and kShift, the scale; kZeroIn, kZeroOut; kMin and kMax, the range of the function or of the type.
template <class S>
struct Rescale {
    static int32_t apply(int32_t value) {
        return clamp(multiply_by_quantized(value - S::kZeroIn, S::kMultiplier, S::kShift) + S::kZeroOut, S::kMin,
                     S::kMax);
    }
};

// S: as for Rescale; kSlopeMultiplier and kSlopeShift for negative values, and kSign of their slope.
template <class S>
struct LeakyRescale {
    static int32_t apply(int32_t value) {
        if (value >= 0) return Rescale<S>::apply(value);
        return clamp(S::kSign * multiply_by_quantized(value, S::kSlopeMultiplier, S::kSlopeShift), S::kMin, S::kMax);
    }
};

// The output may be the memory of an input of the same type. S: kElements.
template <class S, class F, class In, class Out>
inline void rescale_all(const In* in, Out* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = static_cast<Out>(F::apply(in[i]));
}

}  // namespace kernels
}  // namespace eitk
