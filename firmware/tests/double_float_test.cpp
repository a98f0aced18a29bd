#include "eitk/dsp/double_float.h"

#include <cmath>
#include <random>

#include "check.h"

namespace {

using eitk::dsp::DoubleFloat;

DoubleFloat double_float(double value) {
    const auto high = static_cast<float>(value);
    return {high, static_cast<float>(value - static_cast<double>(high))};
}

const double kUnit = std::ldexp(1.0, -45);

}  // namespace

TEST(operations_are_accurate_to_45_bits) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> distribution(-1000, 1000);
    for (int i = 0; i < 100000; ++i) {
        const DoubleFloat x = double_float(distribution(random)), y = double_float(distribution(random));
        const double a = static_cast<double>(x), b = static_cast<double>(y);
        CHECK_NEAR(static_cast<double>(x + y), a + b, kUnit * (std::fabs(a) + std::fabs(b)));
        CHECK_NEAR(static_cast<double>(x - y), a - b, kUnit * (std::fabs(a) + std::fabs(b)));
        CHECK_NEAR(static_cast<double>(x * y), a * b, kUnit * std::fabs(a * b));
        const double divisor = static_cast<double>(y.high);
        CHECK_NEAR(static_cast<double>(x / y.high), a / divisor, kUnit * std::fabs(a / divisor));
        if (check::failures() > 10) return;
    }
}

TEST(small_numbers_do_not_vanish_beside_large_ones) {
    DoubleFloat sum = 16777216.0f;
    for (int i = 0; i < 1000; ++i) sum += 0.25f;
    CHECK_EQUAL(static_cast<double>(sum), 16777216.0 + 250.0);
}

TEST(negation_is_exact) {
    CHECK_EQUAL(static_cast<double>(-double_float(0.1)), -static_cast<double>(double_float(0.1)));
}
