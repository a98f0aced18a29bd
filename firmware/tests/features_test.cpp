// FeatureWriter, logarithms, mel bands and sliding sums: the parts from which processing blocks are made.
#include "eitk/dsp/features.h"

#include <cmath>
#include <random>
#include <vector>

#include "check.h"
#include "eitk/dsp/emphasis.h"
#include "eitk/dsp/level.h"
#include "eitk/dsp/mel.h"
#include "eitk/dsp/sliding.h"

namespace {

using eitk::dsp::FeatureWriter;

int read_ramp(const void*, size_t offset, size_t length, float* out) {
    for (size_t i = 0; i < length; ++i) out[i] = static_cast<float>(offset + i + 1);
    return 0;
}

}  // namespace

TEST(int8_features_are_rounded_half_away_and_saturate) {
    int8_t out = 0;
    FeatureWriter writer(&out, 0.5f, 10);
    const std::pair<double, int> cases[] = {{0, 10},    {0.5, 11},  {0.25, 11},   {-0.25, 9},
                                            {0.24, 10}, {1e9, 127}, {-1e9, -128}, {std::nan(""), -128}};
    for (const auto& one : cases) {
        writer.write(0, one.first);
        CHECK_EQUAL(out, one.second);
    }
}

TEST(a_value_is_quantized_only_if_its_bound_leaves_one_result) {
    int8_t out = 0;
    FeatureWriter writer(&out, 0.5f, 0);
    CHECK(writer.try_quantize(0, 1.0f, 0.2f));
    CHECK_EQUAL(out, 2);
    CHECK(!writer.try_quantize(0, 1.0f, 0.3f));
    CHECK(!writer.try_quantize(0, 1.24f, 0.02f));
    CHECK(writer.try_quantize(0, 1.24f, 0.005f));
    CHECK(!writer.try_quantize(0, 1.0f, eitk::dsp::kUnbounded));
}

// The promise that the float path rests on: when try_quantize accepts, no value within the bound has another result.
TEST(an_accepted_value_has_the_result_of_every_value_within_its_bound) {
    std::mt19937 random(3);
    std::uniform_real_distribution<float> values(-2, 2), fractions(-1, 1), exponents(-7, -1);
    int accepted = 0;
    for (int i = 0; i < 200000; ++i) {
        const float value = values(random), bound = std::pow(10.0f, exponents(random));
        int8_t quick = 0, accurate = 0;
        FeatureWriter quick_writer(&quick, 0.0098039219f, -90), accurate_writer(&accurate, 0.0098039219f, -90);
        if (!quick_writer.try_quantize(0, value, bound)) continue;
        ++accepted;
        for (const double fraction : {-1.0, 1.0, static_cast<double>(fractions(random))}) {
            accurate_writer.write(0, static_cast<double>(value) + fraction * static_cast<double>(bound) * 0.9999);
            CHECK_EQUAL(quick, accurate);
        }
        if (check::failures() > 10) return;
    }
    CHECK(accepted > 50000 && accepted < 200000);
}

TEST(float_features_have_a_tolerance) {
    float out = 0;
    FeatureWriter writer(&out);
    CHECK(writer.try_quantize(0, 0.7f, 1e-6f));
    CHECK_EQUAL(out, 0.7f);
    CHECK(!writer.try_quantize(0, 0.7f, 1e-5f));
}

TEST(rows_follow_each_other) {
    int8_t out[4] = {};
    FeatureWriter writer(out, 1.0f, 0);
    writer.write(1, 5);
    writer.advance(2);
    writer.write(0, 6);
    writer.write(1, 7);
    CHECK(out[0] == 0 && out[1] == 5 && out[2] == 6 && out[3] == 7);
}

TEST(the_logarithm_keeps_its_bound) {
    for (int step = -30000; step < 25000; ++step) {
        const double exponent = step / 1000.0;
        const auto x = static_cast<float>(std::pow(10.0, exponent));
        const float log = eitk::dsp::natural_log(x);
        CHECK_NEAR(log, std::log(static_cast<double>(x)), eitk::dsp::log_error(log));
        if (check::failures() > 10) return;
    }
}

TEST(decibels_have_a_floor) {
    CHECK_NEAR(eitk::dsp::decibels(100), 20, 1e-12);
    CHECK_NEAR(eitk::dsp::decibels(0), -300, 1e-9);
}

TEST(the_level_of_an_estimate_contains_the_level_of_the_power) {
    const eitk::dsp::LevelScale scale = {-50.0f};
    std::mt19937 random(5);
    std::uniform_real_distribution<double> exponents(-8, 3), fractions(-1, 1);
    for (int i = 0; i < 20000; ++i) {
        const double power = std::pow(10.0, exponents(random));
        const double relative = std::pow(10.0, exponents(random) - 4);
        const auto value = static_cast<float>(power * (1 + fractions(random) * relative));
        if (value <= 0) continue;
        const auto bound = static_cast<float>(1.01 * relative * power);
        const eitk::dsp::Estimate level = scale.level(eitk::dsp::Estimate{value, bound});
        const double exact = scale.level(power);
        // A level below the floor has no exact value: it is limited to 0 later.
        if (level.value == -1.0f && level.bound == 0.0f) {
            CHECK(exact < 0);
        } else if (level.bound < eitk::dsp::kUnbounded) {
            CHECK_NEAR(level.value, exact, level.bound);
        }
        if (check::failures() > 10) return;
    }
}

TEST(mel_bands_are_triangles) {
    const uint16_t edges[] = {2, 4, 8, 8};
    const eitk::dsp::MelBank bank = {edges, 2};
    std::vector<float> power(16);
    const float weights[] = {0, 0, 0, 0.5f, 1, 0.75f, 0.5f, 0.25f, 0, 0};
    for (size_t k = 0; k < 10; ++k) {
        power.assign(16, 0.0f);
        power[k] = 8;
        CHECK_NEAR(bank.energy(power.data(), 0), 8 * weights[k], 1e-6);
    }
    power.assign(16, 1.0f);
    CHECK_NEAR(bank.energy(power.data(), 0), 3, 1e-6);
    CHECK(bank.weight(0) >= 3);
    CHECK_NEAR(bank.energy(power.data(), 1), 2.5, 1e-6);  // its right side is empty: 1/4 + 1/2 + 3/4 + 1
    CHECK(bank.weight(1) >= 2.5f);
}

TEST(columns_are_mirrored_at_their_ends) {
    const float values[] = {1, -1, 2, -1, 3, -1};
    const eitk::dsp::Column column = {values, 3, 2};
    const float expected[] = {3, 2, 1, 1, 2, 3, 3, 2, 1, 1};
    for (int i = -3; i < 7; ++i) CHECK_EQUAL(column.mirrored(i), expected[i + 3]);
}

TEST(sliding_sums_are_those_of_each_window) {
    std::mt19937 random(7);
    std::uniform_real_distribution<float> distribution(-5, 5);
    std::vector<float> values(40);
    for (float& value : values) value = distribution(random);
    for (const size_t window : {1u, 3u, 51u, 101u}) {  // also longer than the column
        const eitk::dsp::Column column = {values.data(), values.size(), 1};
        eitk::dsp::SlidingSums sums(column, window);
        for (size_t i = 0; i < values.size(); ++i, sums.step()) {
            double mean = 0, variance = 0;
            const auto half = static_cast<ptrdiff_t>(window / 2), centre = static_cast<ptrdiff_t>(i);
            for (ptrdiff_t k = -half; k <= half; ++k) mean += static_cast<double>(column.mirrored(centre + k));
            mean /= static_cast<double>(window);
            for (ptrdiff_t k = -half; k <= half; ++k) {
                const double difference = static_cast<double>(column.mirrored(centre + k)) - mean;
                variance += difference * difference / static_cast<double>(window);
            }
            CHECK_NEAR(sums.mean(), mean, 1e-12);
            CHECK_NEAR(sums.standard_deviation(), std::sqrt(variance), 1e-5);
        }
    }
}

TEST(emphasis_is_circular_over_the_window) {
    const eitk::dsp::SampleSource source = {read_ramp, nullptr, 10};
    float x[4];
    const eitk::dsp::Frame first = {&source, 0}, second = {&source, 4};
    first.read(4, x);
    CHECK_EQUAL(eitk::dsp::emphasise(first, {2.0f, 1.0f, 1}, 4, x), 0);
    const float expected_first[] = {2 * 1 - 10, 2 * 2 - 1, 2 * 3 - 2, 2 * 4 - 3};
    for (int i = 0; i < 4; ++i) CHECK_EQUAL(x[i], expected_first[i]);
    second.read(4, x);
    CHECK_EQUAL(eitk::dsp::emphasise(second, {1.0f, 0.5f, 2}, 4, x), 0);
    const float expected_second[] = {5 - 1.5f, 6 - 2, 7 - 2.5f, 8 - 3};
    for (int i = 0; i < 4; ++i) CHECK_EQUAL(x[i], expected_second[i]);
}
