// tests/board compares level.h with its Python counterpart over random windows; here are the cases with known results.
#include "level.h"

#include <cmath>
#include <vector>

#include "check.h"

namespace {

Level level_of(const std::vector<int16_t>& window, LevelLimits limits = {3277, 6553600}) {
    return measure_level([&](uint32_t i) { return window[i]; }, static_cast<uint32_t>(window.size()), limits);
}

}  // namespace

TEST(floor_divide_rounds_down) {
    CHECK_EQUAL(floor_divide(7, 2), 3);
    CHECK_EQUAL(floor_divide(-7, 2), -4);
    CHECK_EQUAL(floor_divide(7, -2), -4);
    CHECK_EQUAL(floor_divide(-8, 2), -4);
}

TEST(integer_sqrt_is_the_floor_of_the_root) {
    for (const uint64_t root : {0ull, 1ull, 2ull, 181ull, 65535ull, 65536ull, 4294967295ull}) {
        CHECK_EQUAL(integer_sqrt(root * root), static_cast<uint32_t>(root));
        if (root > 1) CHECK_EQUAL(integer_sqrt(root * root - 1), static_cast<uint32_t>(root - 1));
    }
    CHECK_EQUAL(integer_sqrt(UINT64_MAX), UINT32_MAX);
}

TEST(the_mean_is_rounded_half_up) {
    CHECK_EQUAL(level_of({1, 2}).mean, 2);
    CHECK_EQUAL(level_of({-1, -2}).mean, -1);
    CHECK_EQUAL(level_of({5, 5, 5, 5}).mean, 5);
}

TEST(the_rms_is_about_the_mean) {
    const Level level = level_of({1100, 900, 1100, 900});
    CHECK_EQUAL(level.mean, 1000);
    CHECK_EQUAL(level.rms_q8, 100u * 256);
}

TEST(the_gain_reaches_the_target_or_its_limit) {
    const Level quiet = level_of({1, -1, 1, -1});
    CHECK_EQUAL(quiet.gain_q16, 6553600);
    const Level loud = level_of({16000, -16000, 16000, -16000});
    CHECK_NEAR(static_cast<double>(loud.gain_q16) / 65536, 3277.0 / 16000, 1e-4);
    CHECK_NEAR(apply_level(16000, loud, LevelMode::kRms), 3277, 1);
}

TEST(silence_stays_silent) {
    const Level level = level_of({0, 0, 0, 0});
    CHECK_EQUAL(level.rms_q8, 0u);
    CHECK_EQUAL(apply_level(0, level, LevelMode::kRms), 0);
}

TEST(levelled_samples_saturate) {
    const Level level = level_of({32767, -32768, 32767, -32768}, {1000000, 65536000});
    CHECK_EQUAL(apply_level(32767, level, LevelMode::kRms), 32767);
    CHECK_EQUAL(apply_level(-32768, level, LevelMode::kRms), -32768);
    CHECK_EQUAL(saturate_to_int16(40000), 32767);
    CHECK_EQUAL(saturate_to_int16(-40000), -32768);
}

TEST(the_modes_differ) {
    const Level level = level_of({1100, 900, 1100, 900});
    CHECK_EQUAL(apply_level(1100, level, LevelMode::kNone), 1100);
    CHECK_EQUAL(apply_level(1100, level, LevelMode::kDc), 100);
    CHECK_EQUAL(apply_level(1100, level, LevelMode::kRms), 3277);
}
