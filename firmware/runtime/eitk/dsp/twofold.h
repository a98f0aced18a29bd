// Numbers of 48 bits as sums of two floats: on a Cortex-M4F, which has no double, about six times as fast as double.
//
// Error-free sum (Knuth) and product (with a fused multiply-add), as in Dekker 1971 and Shewchuk 1997. A sum is exact
// to 2^-45 of its operands' sizes, a product to 2^-45 of itself.
#ifndef EITK_DSP_TWOFOLD_H
#define EITK_DSP_TWOFOLD_H

#ifdef __FAST_MATH__
#error "-ffast-math would take the low halves away"
#endif

namespace eitk {
namespace dsp {

struct Twofold {
    float high, low;  // low is at most half a unit in the last place of high

    Twofold() = default;
    constexpr Twofold(float value) : high(value), low(0.0f) {}  // NOLINT: stands wherever a float may stand
    constexpr Twofold(float h, float l) : high(h), low(l) {}

    explicit operator double() const { return static_cast<double>(high) + static_cast<double>(low); }
};

namespace twofold_detail {

// For |a| >= |b|.
inline Twofold renormalised(float a, float b) {
    const float sum = a + b;
    return {sum, b - (sum - a)};
}

}  // namespace twofold_detail

inline Twofold operator-(Twofold a) { return {-a.high, -a.low}; }

inline Twofold operator+(Twofold a, Twofold b) {
    const float sum = a.high + b.high, part = sum - a.high;
    const float rest = (a.high - (sum - part)) + (b.high - part);
    return twofold_detail::renormalised(sum, rest + (a.low + b.low));
}

inline Twofold operator-(Twofold a, Twofold b) { return a + -b; }

inline Twofold operator*(Twofold a, Twofold b) {
    const float product = a.high * b.high;
    const float rest = __builtin_fmaf(a.high, b.high, -product);
    return twofold_detail::renormalised(product, rest + (a.high * b.low + a.low * b.high));
}

inline Twofold operator/(Twofold a, float b) {
    const float quotient = a.high / b;
    return twofold_detail::renormalised(quotient, (__builtin_fmaf(-quotient, b, a.high) + a.low) / b);
}

inline Twofold& operator+=(Twofold& a, Twofold b) { return a = a + b; }

}  // namespace dsp
}  // namespace eitk

#endif
