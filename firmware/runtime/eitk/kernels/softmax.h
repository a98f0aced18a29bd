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

// For any number of classes. The table has the exponentials of the distance to the greatest input, in Q0.31. The output
// has 8 or 16 bits, and its lowest value is the probability 0.
template <class S, class T>
inline void softmax_int8(const int8_t* in, T* out, const int32_t* exponentials) {
    constexpr int kBits = 8 * sizeof(T);
    constexpr int32_t kLowest = -(1 << (kBits - 1));
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
            12 - zeros + 31 - kBits;  // above 31 with 512 or more equal inputs, where every int8 is below half a step
        for (int i = 0; i < S::kClasses; ++i) {
            const int below = largest - in[i];
            const int32_t e = below < S::kExponentials ? exponentials[below] : 0;
            const int32_t part = saturating_doubling_high_mul(scale, e);
            const int32_t share = shift > 31 ? 0 : rounding_divide_by_power_of_two(part, shift);
            out[i] = static_cast<T>(clamp(share + kLowest, kLowest, -1 - kLowest));
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

inline int32_t saturating_shift_left(int32_t value, int bits) {
    const int64_t shifted = static_cast<int64_t>(value) * (INT64_C(1) << bits);
    return static_cast<int32_t>(shifted > INT32_MAX ? INT32_MAX : (shifted < INT32_MIN ? INT32_MIN : shifted));
}

// The natural logarithm, in Q5.26, of a number from 1 in Q12.19. The number is r * 2^n, with r around the fourth root
// of 1/2: the better of two representations, which differ by half a power of two. A quotient of polynomials in
// q = 2 (r - sqrt(sqrt(1/2))) is the logarithm of r.
inline int32_t log_from_one(int32_t value) {
    constexpr int32_t kLog2 = 1488522236, kRootOfHalf = 1518500250, kFourthRootOfHalf = 1805811301;
    constexpr int32_t kQuarter = 1 << 23;  // in Q6.25, as the exponents
    const int zeros = leading_zeros(static_cast<uint32_t>(value));
    const int32_t normal = saturating_doubling_high_mul(value << (zeros - 1), kRootOfHalf);
    const int32_t halved = saturating_doubling_high_mul(value, kRootOfHalf);
    const int halved_zeros = leading_zeros(static_cast<uint32_t>(halved)) - 1;
    const int32_t first = saturating_shift_left(normal, 1), second = saturating_shift_left(value, halved_zeros);
    const int32_t r = first < second ? first : second;
    const int32_t first_power = (12 - zeros) * (1 << 25) + kQuarter;
    const int32_t second_power = (12 - halved_zeros) * (1 << 25) - kQuarter;
    const int32_t power = first_power > second_power ? first_power : second_power;
    const int32_t p = static_cast<int32_t>((static_cast<int64_t>(r) + kFourthRootOfHalf + 1) / 2);
    const int32_t q = 2 * (r - kFourthRootOfHalf);
    const int32_t square = saturating_doubling_high_mul(q, q);
    const int32_t cube = saturating_doubling_high_mul(saturating_doubling_high_mul(q, square), 117049297);
    const int32_t numerator = saturating_doubling_high_mul(q, r) + cube;
    const int32_t factor = 1057819769 + q + saturating_doubling_high_mul(127690142, square);
    const int32_t denominator =
        saturating_doubling_high_mul(p, factor) + saturating_doubling_high_mul(638450708, q);  // minus 1
    const int32_t quotient =
        saturating_doubling_high_mul(rounding_divide_by_power_of_two(numerator, 6), one_over_one_plus(denominator));
    return saturating_shift_left(saturating_doubling_high_mul(power, kLog2) + quotient, 1);
}

// S: kRows, kClasses; kMultiplier and kShift, the scale from a difference of inputs to Q5.26, and kReverseMultiplier
// and kReverseShift back; kExponentials. The table has the exponentials of the distance to the greatest input, in
// Q12.19. The scale of the output is 1/16, its zero point 127. The output may be the memory of the input.
template <class S>
inline void log_softmax_int8(const int8_t* in, int8_t* out, const int32_t* exponentials) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        int largest = in[0];
        for (int i = 1; i < S::kClasses; ++i) largest = in[i] > largest ? in[i] : largest;
        int32_t sum = 0;
        for (int i = 0; i < S::kClasses; ++i) {
            const int below = largest - in[i];
            if (below < S::kExponentials) sum += exponentials[below];
        }
        const int32_t log_sum = log_from_one(sum);
        const int32_t limit = multiply_by_quantized(log_sum + INT32_MIN, S::kReverseMultiplier, S::kReverseShift);
        const int32_t least = limit > -S::kExponentials ? limit : -S::kExponentials;
        for (int i = 0; i < S::kClasses; ++i) {
            const int difference = in[i] - largest;
            int32_t value = -128;
            if (difference > least) {
                const int32_t scaled = multiply_by_quantized(difference, S::kMultiplier, S::kShift);
                value = clamp(rounding_divide_by_power_of_two(scaled - log_sum, 22) + 127, -128, 127);
            }
            out[i] = static_cast<int8_t>(value);
        }
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
