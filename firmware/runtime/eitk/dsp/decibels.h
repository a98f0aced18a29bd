// Logarithms of powers: fast in float with a known error bound, and accurate in double.
#ifndef EITK_DSP_DECIBELS_H
#define EITK_DSP_DECIBELS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

namespace eitk {
namespace dsp {

constexpr float kSmallestPower = 1e-30f;
constexpr float kDecibelsPerNeper = 4.342944819f;  // 10 / ln 10, for powers

// Bound on the error of natural_log(x), where `log` is its result. A test verifies it.
inline float log_error(float log) { return 2e-6f + 2e-7f * (log < 0.0f ? -log : log); }

// Natural logarithm of x = 2^e m with m in [sqrt 1/2, sqrt 2): e ln 2 + ln m, where ln m = 2 artanh((m - 1) / (m + 1))
// is a series. `x` must be positive and normal.
inline float natural_log(float x) {
    uint32_t bits = 0;
    memcpy(&bits, &x, sizeof bits);
    const int32_t exponent = (static_cast<int32_t>(bits) - 0x3f3504f3) >> 23;
    bits -= static_cast<uint32_t>(exponent) << 23;
    float m = 0.0f;
    memcpy(&m, &bits, sizeof m);
    const float s = (m - 1.0f) / (m + 1.0f), t = s * s;
    const float series = t * (0.33333333f + t * (0.2f + t * (0.14285714f + t * 0.11111111f)));
    return static_cast<float>(exponent) * 0.69314718f + (2.0f * s + 2.0f * s * series);
}

inline float at_least_smallest_power(float power) { return power > kSmallestPower ? power : kSmallestPower; }

inline double decibels(double power) { return 10.0 * log10(power > 1e-30 ? power : 1e-30); }

}  // namespace dsp
}  // namespace eitk

#endif
