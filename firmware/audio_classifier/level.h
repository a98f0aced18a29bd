// Normalises the level of a window in integer arithmetic, so that Python and every board compute the same samples.
// ei_toolkit/audio/level.py implements the same arithmetic.
#pragma once

#include <stdint.h>

// kDc removes the mean. kRms also multiplies by a gain that brings the RMS to a target.
enum class LevelMode { kNone, kDc, kRms };

struct LevelLimits {
    int64_t target;        // target RMS, in units of one sample step
    int64_t max_gain_q16;  // greatest gain, times 65536
};

struct Level {
    int32_t mean;      // rounded mean of the window
    uint32_t rms_q8;   // RMS about the mean, times 256
    int64_t gain_q16;  // gain, times 65536
};

// a / b, rounded down.
inline int64_t floor_divide(int64_t a, int64_t b) {
    const int64_t quotient = a / b;
    return (a % b != 0 && ((a < 0) != (b < 0))) ? quotient - 1 : quotient;
}

// floor(sqrt(value)), computed one binary digit at a time.
inline uint32_t integer_sqrt(uint64_t value) {
    uint64_t root = 0;
    for (uint64_t bit = uint64_t{1} << 62; bit != 0; bit >>= 2) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return static_cast<uint32_t>(root);
}

// Measures `count` samples, at most 2^18, read through `sample_at(index)`.
template <typename SampleAt>
Level measure_level(SampleAt sample_at, uint32_t count, const LevelLimits& limits) {
    int64_t sum = 0;
    uint64_t sum_of_squares = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const int32_t x = sample_at(i);
        sum += x;
        sum_of_squares += static_cast<uint32_t>(x * x);
    }
    const int64_t n = count;
    Level level = {};
    level.mean = static_cast<int32_t>(floor_divide(sum + n / 2, n));
    // sum((x - mean)^2) = sum(x^2) - 2 mean sum(x) + n mean^2, exact in integers
    const uint64_t power = sum_of_squares - static_cast<uint64_t>(2 * level.mean * sum - n * level.mean * level.mean);
    level.rms_q8 = integer_sqrt((power << 16) / count);
    const int64_t gain_to_target = (limits.target << 24) / (level.rms_q8 > 0 ? level.rms_q8 : 1);
    level.gain_q16 = gain_to_target < limits.max_gain_q16 ? gain_to_target : limits.max_gain_q16;
    return level;
}

inline int16_t saturate_to_int16(int64_t value) {
    return static_cast<int16_t>(value < -32768 ? -32768 : (value > 32767 ? 32767 : value));
}

inline int16_t apply_level(int16_t sample, const Level& level, LevelMode mode) {
    if (mode == LevelMode::kNone) return sample;
    const int64_t centred = int64_t{sample} - level.mean;
    if (mode == LevelMode::kDc) return saturate_to_int16(centred);
    return saturate_to_int16((centred * level.gain_q16 + 32768) >> 16);
}
