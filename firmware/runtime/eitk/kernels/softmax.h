// SOFTMAX along the last axis. The output of the int8 functions may be the memory of the input.
#pragma once

#include <math.h>

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// For two classes. The table has the first output for every difference of the inputs, -255 .. 255.
template <class S>
inline void softmax_two(const int8_t* in, int8_t* out, const int8_t* table) {
    for (int row = 0; row < S::kRows; ++row, in += 2, out += 2) {
        const int difference = in[0] - in[1];
        out[0] = table[255 + difference];
        out[1] = table[255 - difference];
    }
}

// 1 / (1 + a) for a in [0, 1), both in Q0.31: three Newton steps that start from 48/17 - 32/17 d.
inline int32_t one_over_one_plus(int32_t a) {
    const int32_t half_denominator = static_cast<int32_t>((static_cast<int64_t>(a) + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + saturating_doubling_high_mul(half_denominator, -1010580540);
    for (int i = 0; i < 3; ++i) {
        const int32_t product = saturating_doubling_high_mul(half_denominator, x);
        x += saturating_doubling_high_mul(x, (1 << 29) - product) * 4;
    }
    return x > INT32_MAX / 2 ? INT32_MAX : x * 2;
}

inline int leading_zeros(uint32_t value) {
    int count = 0;
    while ((value & 0x80000000u) == 0) {
        value <<= 1;
        ++count;
    }
    return count;
}

// For any number of classes. The table has the exponentials of the distance to the greatest input, in Q0.31.
template <class S>
inline void softmax_int8(const int8_t* in, int8_t* out, const int32_t* exponentials) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        int largest = in[0];
        for (int i = 1; i < S::kClasses; ++i) largest = in[i] > largest ? in[i] : largest;
        int32_t sum = 0;  // Q12.19
        for (int i = 0; i < S::kClasses; ++i) {
            const int below = largest - in[i];
            if (below < S::kExponentials) sum += rounding_divide_by_power_of_two(exponentials[below], 12);
        }
        const int zeros = leading_zeros(static_cast<uint32_t>(sum));
        const uint32_t mantissa = static_cast<uint32_t>(sum) << zeros;
        const int32_t scale = one_over_one_plus(static_cast<int32_t>(mantissa - 0x80000000u));
        const int shift =
            12 - zeros + 31 - 8;  // above 31 with 512 or more equal inputs, where every output is below half a step
        for (int i = 0; i < S::kClasses; ++i) {
            const int below = largest - in[i];
            const int32_t e = below < S::kExponentials ? exponentials[below] : 0;
            const int32_t part = saturating_doubling_high_mul(scale, e);
            const int32_t share = shift > 31 ? 0 : rounding_divide_by_power_of_two(part, shift);
            out[i] = static_cast<int8_t>(clamp(share - 128, -128, 127));
        }
    }
}

template <class S>
inline void softmax_float(const float* in, float* out) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        float largest = in[0], sum = 0;
        for (int i = 1; i < S::kClasses; ++i) largest = in[i] > largest ? in[i] : largest;
        for (int i = 0; i < S::kClasses; ++i) sum += out[i] = expf((in[i] - largest) * S::beta());
        for (int i = 0; i < S::kClasses; ++i) out[i] /= sum;
    }
}

// S: kRows, kClasses. The logarithm of the softmax of each row. The output may be the memory of the input.
template <class S>
inline void log_softmax_float(const float* in, float* out) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        float largest = in[0], sum = 0.0f;
        for (int i = 1; i < S::kClasses; ++i) largest = in[i] > largest ? in[i] : largest;
        for (int i = 0; i < S::kClasses; ++i) sum += expf(in[i] - largest);
        const float shift = largest + logf(sum);
        for (int i = 0; i < S::kClasses; ++i) out[i] = in[i] - shift;
    }
}

}  // namespace kernels
}  // namespace eitk
