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

// The product of two numbers in Q0.31 that are not negative.
inline int32_t product_of_fractions(int32_t a, int32_t b) {
    return static_cast<int32_t>((static_cast<uint64_t>(a) * static_cast<uint64_t>(b) + (1u << 30)) >> 31);
}

// value / 2^bits for a number that is not negative, rounded to nearest, halves upwards; 1 <= bits <= 31.
inline int32_t rounding_shift(int32_t value, int bits) {
    return static_cast<int32_t>((static_cast<uint32_t>(value) + (UINT32_C(1) << (bits - 1))) >> bits);
}

// 1 / (1 + a) for a in [0, 1), both in Q0.31: three Newton steps that start from 48/17 - 32/17 d.
inline int32_t one_over_one_plus(int32_t a) {
    const int32_t half_denominator = static_cast<int32_t>((static_cast<uint32_t>(a) + 0x80000000u) >> 1);
    int32_t x = 1515870810 + doubling_high_mul(-1010580540, half_denominator);
    for (int i = 0; i < 3; ++i) {
        const int32_t product = product_of_fractions(half_denominator, x);
        x += doubling_high_mul((1 << 29) - product, x) * 4;
    }
    return x > INT32_MAX / 2 ? INT32_MAX : x * 2;
}

// The leading zeros of a number that is not zero.
inline int leading_zeros(uint32_t value) { return __builtin_clz(static_cast<unsigned>(value)); }

// exp(a) in Q0.31 for a number a in Q5.26 that is not positive, as gemmlowp computes it: a Taylor series around -1/8
// for the last quarter, and a factor exp(-2^k) for each further bit.
__attribute__((noinline)) inline int32_t exponential(int32_t a) {
    if (a == 0) return INT32_MAX;
    constexpr int32_t kQuarter = 1 << 24;
    constexpr int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
    const int32_t rest = (a & (kQuarter - 1)) - kQuarter;
    const int32_t x = rest * 32 + (1 << 28);
    const int32_t x2 = doubling_high_mul(x, x);
    const int32_t fourth = rounding_divide_by_power_of_two(doubling_high_mul(x2, x2), 2);
    const int32_t third = doubling_high_mul(fourth + doubling_high_mul(x2, x), 715827883);
    const int32_t series = x + rounding_divide_by_power_of_two(third + x2, 1);
    int32_t result = 1895147668 + doubling_high_mul(series, 1895147668);
    const uint32_t below = static_cast<uint32_t>(rest - a) >> 24;
    for (int k = 0; k < 7; ++k) {
        if ((below >> k & 1u) != 0) result = product_of_fractions(result, kFactors[k]);
    }
    return result;
}

template <class S>
inline int greatest(const int8_t* in) {
    int largest = in[0];
    for (int i = 1; i < S::kClasses; ++i) largest = in[i] > largest ? in[i] : largest;
    return largest;
}

// Writes the outputs of one row. `exponential_of` returns the exponential of the distance of an input to the greatest,
// in Q0.31. The output has 8 or 16 bits, and its lowest value is the probability 0.
template <class S, class T, class F>
inline void softmax_row(T* out, F exponential_of) {
    constexpr int kBits = 8 * sizeof(T);
    constexpr int32_t kLowest = -(1 << (kBits - 1));
    int32_t sum = 0;  // Q12.19
    for (int i = 0; i < S::kClasses; ++i) sum += rounding_shift(exponential_of(i), 12);
    const int zeros = leading_zeros(static_cast<uint32_t>(sum));
    const uint32_t mantissa = static_cast<uint32_t>(sum) << zeros;
    const int32_t scale = one_over_one_plus(static_cast<int32_t>(mantissa - 0x80000000u));
    const int shift =
        12 - zeros + 31 - kBits;  // above 31 with 512 or more equal inputs, where every int8 is below half a step
    for (int i = 0; i < S::kClasses; ++i) {
        const int32_t part = product_of_fractions(scale, exponential_of(i));
        const int32_t share = shift > 31 ? 0 : rounding_shift(part, shift);
        out[i] =
            static_cast<T>(kBits == 8 ? saturate_int8(share + kLowest) : clamp(share + kLowest, kLowest, ~kLowest));
    }
}

// S: kRows, kClasses; kExponentials, the size of a table of the exponentials of all distances that do not give zero.
template <class S, class T>
inline void softmax_int8(const int8_t* in, T* out, const int32_t* exponentials) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        const int largest = greatest<S>(in);
        softmax_row<S>(out, [=](int i) {
            const int below = largest - in[i];
            return below < S::kExponentials ? exponentials[below] : 0;
        });
    }
}

// The same without a table, for few exponentials. S: also kMultiplier and kShift, the scale from a difference of inputs
// to Q5.26.
template <class S, class T>
inline void softmax_of_few(const int8_t* in, T* out) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        const int largest = greatest<S>(in);
        int32_t exponentials[S::kClasses];
        for (int i = 0; i < S::kClasses; ++i) {
            const int below = largest - in[i];
            const int32_t shifted = static_cast<int32_t>(static_cast<uint32_t>(-below) << S::kShift);
            exponentials[i] =
                below < S::kExponentials ? exponential(saturating_doubling_high_mul(shifted, S::kMultiplier)) : 0;
        }
        softmax_row<S>(out, [&](int i) { return exponentials[i]; });
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
