// Double-float arithmetic: a number of 48 bits as the sum of two floats. On a Cortex-M4F, whose floating-point unit has
// no double, it is about six times as fast as double.
//
// The sum is that of Knuth, the product uses a fused multiply-add (Dekker 1971; Shewchuk 1997). The error of a sum is
// at most 2^-45 of the magnitudes of its operands, that of a product 2^-45 of the product.
#ifndef EITK_DSP_DOUBLE_FLOAT_H
#define EITK_DSP_DOUBLE_FLOAT_H

#ifdef __FAST_MATH__
#error "-ffast-math would remove the low halves"
#endif

namespace eitk {
namespace dsp {

struct DoubleFloat {
    float high, low;  // the value is high + low; low is at most half a unit in the last place of high

    DoubleFloat() = default;
    constexpr DoubleFloat(float value) : high(value), low(0.0f) {}  // NOLINT: a float is a DoubleFloat
    constexpr DoubleFloat(float h, float l) : high(h), low(l) {}

    explicit operator double() const { return static_cast<double>(high) + static_cast<double>(low); }
};

namespace double_float_detail {

// The exact sum of a and b, for |a| >= |b|.
inline DoubleFloat fast_two_sum(float a, float b) {
    const float sum = a + b;
    return {sum, b - (sum - a)};
}

}  // namespace double_float_detail

inline DoubleFloat operator-(DoubleFloat a) { return {-a.high, -a.low}; }

inline DoubleFloat operator+(DoubleFloat a, DoubleFloat b) {
    const float sum = a.high + b.high, part = sum - a.high;
    const float error = (a.high - (sum - part)) + (b.high - part);
    return double_float_detail::fast_two_sum(sum, error + (a.low + b.low));
}

inline DoubleFloat operator-(DoubleFloat a, DoubleFloat b) { return a + -b; }

inline DoubleFloat operator*(DoubleFloat a, DoubleFloat b) {
    const float product = a.high * b.high;
    const float error = __builtin_fmaf(a.high, b.high, -product);
    return double_float_detail::fast_two_sum(product, error + (a.high * b.low + a.low * b.high));
}

inline DoubleFloat operator/(DoubleFloat a, float b) {
    const float quotient = a.high / b;
    return double_float_detail::fast_two_sum(quotient, (__builtin_fmaf(-quotient, b, a.high) + a.low) / b);
}

inline DoubleFloat& operator+=(DoubleFloat& a, DoubleFloat b) { return a = a + b; }

}  // namespace dsp
}  // namespace eitk

#endif
