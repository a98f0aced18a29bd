// Evens out the level of a window, in integers, so that Python and every board compute the same samples.
// The same arithmetic stands in ei_toolkit/audio/level.py.
#pragma once

#include <stdint.h>

enum class LevelMode { kNone, kDc, kRms };

struct Level {
    int32_t mean = 0;      // rounded mean of the window
    uint32_t rms_q8 = 0;   // RMS about the mean, times 256
    int64_t gain_q16 = 0;  // gain, times 65536
};

inline int64_t floor_divide(int64_t a, int64_t b) {
    const int64_t q = a / b;
    return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}

// floor(sqrt(v)), one binary digit after the other.
inline uint32_t integer_sqrt(uint64_t v) {
    uint64_t root = 0;
    for (uint64_t bit = uint64_t{1} << 62; bit != 0; bit >>= 2) {
        if (v >= root + bit) {
            v -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return static_cast<uint32_t>(root);
}

// Measures `count` samples (at most 2^18), read through `at(index)`.
template <typename At>
Level measure_level(At at, uint32_t count, int64_t target, int64_t max_gain_q16) {
    int64_t sum = 0;
    uint64_t squares = 0;
    for (uint32_t i = 0; i < count; ++i) {
        const int32_t x = at(i);
        sum += x;
        squares += static_cast<uint32_t>(x * x);
    }
    const int64_t n = count;
    Level level;
    level.mean = static_cast<int32_t>(floor_divide(sum + n / 2, n));
    // Σ(x − m)² = Σx² − 2mΣx + nm², exact in integers
    const uint64_t power = squares - static_cast<uint64_t>(2 * level.mean * sum - n * level.mean * level.mean);
    level.rms_q8 = integer_sqrt((power << 16) / count);
    const int64_t wanted = (target << 24) / (level.rms_q8 > 0 ? level.rms_q8 : 1);
    level.gain_q16 = wanted < max_gain_q16 ? wanted : max_gain_q16;
    return level;
}

inline int16_t clip_to_int16(int64_t v) { return static_cast<int16_t>(v < -32768 ? -32768 : (v > 32767 ? 32767 : v)); }

inline int16_t apply_level(int16_t sample, const Level& level, LevelMode mode) {
    if (mode == LevelMode::kNone) return sample;
    const int64_t centred = int64_t{sample} - level.mean;
    if (mode == LevelMode::kDc) return clip_to_int16(centred);
    return clip_to_int16((centred * level.gain_q16 + 32768) >> 16);
}
