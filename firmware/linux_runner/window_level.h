// Brings windows to the level of the windows that a model was trained on. The build defines the three macros as
// ei_toolkit/audio/level.py computes them; without them the level stays as it is.
#pragma once

#include <math.h>

#include "level.h"

#if !defined(EITK_LEVEL_MODE)
#define EITK_LEVEL_MODE kNone
#define EITK_LEVEL_TARGET 0
#define EITK_LEVEL_MAX_GAIN_Q16 0
#endif

constexpr LevelMode kLevelMode = LevelMode::EITK_LEVEL_MODE;
constexpr LevelLimits kLevelLimits = {EITK_LEVEL_TARGET, EITK_LEVEL_MAX_GAIN_Q16};

// Writes `count` samples, 16-bit values, to `out` at that level.
inline void write_levelled(const float* window, uint32_t count, float* out) {
    const auto sample_at = [window](uint32_t i) { return saturate_to_int16(static_cast<int64_t>(lrintf(window[i]))); };
    const Level level = measure_level(sample_at, count, kLevelLimits);
    for (uint32_t i = 0; i < count; ++i) out[i] = apply_level(sample_at(i), level, kLevelMode);
}
