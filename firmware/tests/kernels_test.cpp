// The portable arithmetic of the kernels. tests/eon compares whole layers with the reference interpreter, on this
// machine and on the emulated Cortex-M4F.
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.h"
#include "eitk/kernels/blocks.h"
#include "eitk/kernels/elementwise.h"
#include "eitk/kernels/fully_connected.h"
#include "eitk/kernels/functions_float.h"
#include "eitk/kernels/lookup.h"
#include "eitk/kernels/mean.h"
#include "eitk/kernels/pool2d.h"
#include "eitk/kernels/quantize.h"
#include "eitk/kernels/requantize.h"
#include "eitk/kernels/softmax.h"

namespace {

namespace k = eitk::kernels;

uint32_t pair_of(int low, int high) {
    return static_cast<uint16_t>(static_cast<int16_t>(low)) |
           static_cast<uint32_t>(static_cast<uint16_t>(static_cast<int16_t>(high))) << 16;
}

// Not inlined: if GCC 12 knows the size of the vector, it warns about accesses beyond its end that do not happen.
__attribute__((noinline)) std::vector<int8_t> alternating_values() {
    return {0, -101, 2, -103, 4, -105, 6, -107, 8, -109, 10};
}

struct Range {
    static constexpr int kMin = -100, kMax = 100, kOutputZeroPoint = -20;
};
struct Fast : Range {
    static constexpr bool kFast = true;
};
struct Slow : Range {
    static constexpr bool kFast = false;
};

// The constants with which the tests below instantiate kernels.
struct PadShape {
    static constexpr int kSize0 = 1, kSize1 = 1, kSize2 = 2, kSize3 = 2;
    static constexpr int kBefore0 = 0, kBefore1 = 0, kBefore2 = 1, kBefore3 = 1;
    static constexpr int kAfter0 = 0, kAfter1 = 0, kAfter2 = 0, kAfter3 = 0;
};
struct QuantizeShape {
    static constexpr int kElements = 6, kZeroPoint = 3;
    static constexpr float scale() { return 0.5f; }
};
struct SoftmaxShape {
    static constexpr int kRows = 1, kClasses = 3;
    static constexpr float beta() { return 1.0f; }
};
struct PoolShape {
    using Element = int8_t;
    static constexpr int min() { return -128; }
    static constexpr int max() { return 127; }
};
struct LookupShape {
    static constexpr int kElements = 3;
};

}  // namespace

TEST(high_mul_add_rounds_down) {
    CHECK_EQUAL(k::high_mul_add(1 << 20, 1 << 20, 7), 7 + (1 << 8));
    CHECK_EQUAL(k::high_mul_add(-1, 1, 7), 6);
}

TEST(packed_weights_of_two_outputs_give_both_sums) {
    const int8_t x[] = {-128, 127, 5, -7, 100, -100};
    const int a[] = {127, -127, 1, -1, 0, 90}, b[] = {-127, 127, -1, 2, -90, 0};
    uint32_t words[4] = {};
    for (int i = 0; i < 6; ++i) {  // words of the inputs 0 and 2, 1 and 3, 4, 5
        const uint32_t half = static_cast<uint16_t>(a[i] + 256 * b[i]);
        words[i / 4 * 2 + i % 2] |= half << (i % 4 / 2 * 16);
    }
    int32_t sums[2] = {10, 20};
    const uint32_t* const end = k::add_packed<6, true>(x, words, sums);
    CHECK_EQUAL(end - words, 4);
    int32_t expected[2] = {10, 20};
    for (int i = 0; i < 6; ++i) {
        expected[0] += x[i] * a[i];
        expected[1] += x[i] * b[i];
    }
    CHECK_EQUAL(sums[0], expected[0]);
    CHECK_EQUAL(sums[1], expected[1]);
}

TEST(a_shift_by_a_constant_rounds_half_away) {
    for (const int32_t value : {-1000001, -6, -5, -2, -1, 0, 1, 2, 3, 5, 6, 7, 1000000}) {
        CHECK_EQUAL(k::rounded_shift<0>(value), value);
        CHECK_EQUAL(k::rounded_shift<1>(value), k::rounding_divide_by_power_of_two(value, 1));
        CHECK_EQUAL(k::rounded_shift<7>(value), k::rounding_divide_by_power_of_two(value, 7));
    }
}

TEST(dual_mac_adds_two_products) {
    CHECK_EQUAL(k::dual_mac(pair_of(3, -4), pair_of(-5, 6), 100), 100 - 15 - 24);
    CHECK_EQUAL(k::dual_mac(pair_of(-32768, -32768), pair_of(-32768, -32768), 0), INT32_MIN);
}

TEST(bytes_are_sign_extended_to_pairs) {
    const int8_t bytes[] = {-1, 2, 127, -128};
    CHECK_EQUAL(k::bytes_02(k::load_word(bytes)), pair_of(-1, 127));
    CHECK_EQUAL(k::bytes_13(k::load_word(bytes)), pair_of(2, -128));
}

TEST(division_by_a_power_of_two_rounds_half_away) {
    for (int exponent = 0; exponent <= 31; ++exponent) {
        for (const int64_t value :
             {-1000001LL, -6LL, -5LL, -2LL, -1LL, 0LL, 1LL, 2LL, 3LL, 5LL, 6LL, 7LL, 2147483647LL}) {
            const double expected = std::round(std::ldexp(static_cast<double>(value), -exponent));
            CHECK_EQUAL(k::rounding_divide_by_power_of_two(static_cast<int32_t>(value), exponent),
                        static_cast<int32_t>(expected));
        }
    }
}

TEST(the_high_product_saturates_in_one_case) {
    CHECK_EQUAL(k::saturating_doubling_high_mul(INT32_MIN, INT32_MIN), INT32_MAX);
    CHECK_EQUAL(k::saturating_doubling_high_mul(INT32_MIN, INT32_MAX), -2147483647);
    CHECK_EQUAL(k::saturating_doubling_high_mul(1 << 30, 1 << 30), 1 << 29);
}

TEST(the_fast_requantization_equals_the_general_one) {
    std::mt19937 random(11);
    std::uniform_int_distribution<int32_t> accumulators(-(1 << 30) + 1, (1 << 30) - 1), multipliers(1 << 30, INT32_MAX),
        shifts(-30, -1);
    for (int i = 0; i < 200000; ++i) {
        const int32_t shift = shifts(random), multiplier = multipliers(random);
        const int32_t accumulator = accumulators(random) >> (i % 24);
        CHECK_EQUAL(k::requantize<Fast>(accumulator, multiplier, shift),
                    k::requantize<Slow>(accumulator, multiplier, shift));
        if (check::failures() > 10) return;
    }
}

TEST(memory_is_moved_to_lower_addresses) {
    for (int bytes = 0; bytes < 70; ++bytes) {
        for (const int distance : {0, 1, 4, 13}) {
            std::vector<int8_t> memory(100);
            for (int i = 0; i < 100; ++i) memory[static_cast<size_t>(i)] = static_cast<int8_t>(i);
            std::vector<int8_t> expected = memory;
            std::memmove(expected.data(), expected.data() + distance, static_cast<size_t>(bytes));
            k::move_down<false>(memory.data(), memory.data() + distance, bytes);
            CHECK(memory == expected);
        }
    }
    alignas(4) int16_t words[40], expected[40];
    for (int i = 0; i < 40; ++i) words[i] = expected[i] = static_cast<int16_t>(i);
    std::memmove(expected, expected + 2, 72);
    k::move_down<true>(words, words + 2, 72);
    CHECK(std::memcmp(words, expected, sizeof words) == 0);
}

TEST(int8_values_are_widened) {
    const std::vector<int8_t> from = alternating_values();
    for (size_t count = 0; count <= from.size(); ++count) {
        std::vector<int16_t> to(count + 1, 999);
        k::widen(from.data(), to.data(), static_cast<int>(count));
        for (size_t i = 0; i < count; ++i) CHECK_EQUAL(to[i], from[i]);
        CHECK_EQUAL(to[count], 999);
    }
}

TEST(blocks_are_copied_with_a_stride) {
    const int8_t in[] = {1, 2, 3, 4, 5, 6};
    int8_t out[9] = {};
    k::copy_blocks<2, 3, 5>(in, out);
    const int8_t expected[] = {1, 2, 3, 0, 0, 4, 5, 6, 0};
    CHECK(std::memcmp(out, expected, sizeof out) == 0);
}

TEST(padding_surrounds_the_input) {
    const int8_t in[] = {1, 2, 3, 4};
    int8_t out[9];
    k::pad<PadShape>(in, out, int8_t{-7});
    const int8_t expected[] = {-7, -7, -7, -7, 1, 2, -7, 3, 4};
    CHECK(std::memcmp(out, expected, sizeof out) == 0);
}

TEST(a_dot_product_has_any_length) {
    std::mt19937 random(13);
    std::uniform_int_distribution<int> values(-128, 127);
    for (int count = 0; count < 40; ++count) {
        std::vector<int8_t> x(40), w(40);
        int expected = 7;
        for (size_t i = 0; i < 40; ++i) {
            x[i] = static_cast<int8_t>(values(random));
            w[i] = static_cast<int8_t>(values(random));
            if (static_cast<int>(i) < count) expected += x[i] * w[i];
        }
        CHECK_EQUAL(k::dot(x.data(), w.data(), count, 7), expected);
    }
}

TEST(float_values_are_quantized) {
    const float in[] = {0, 0.25f, -0.25f, 1e9f, -1e9f, std::nanf("")};
    int8_t out[6];
    k::quantize<QuantizeShape>(in, out);
    const int8_t expected[] = {3, 4, 2, 127, -128, 3};
    CHECK(std::memcmp(out, expected, sizeof out) == 0);
    float back[6];
    k::dequantize<QuantizeShape>(out, back);
    CHECK(back[0] == 0 && back[1] == 0.5f && back[3] == 62);
}

TEST(the_softmax_of_floats_sums_to_one) {
    const float in[] = {1, 2, 3};
    float out[3];
    k::softmax_float<SoftmaxShape>(in, out);
    const double total = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
    for (int i = 0; i < 3; ++i) CHECK_NEAR(out[i], std::exp(i + 1.0) / total, 1e-6);
}

TEST(the_reciprocal_of_the_softmax_is_accurate) {
    for (int64_t a = 0; a < (1LL << 31); a += 9999991) {
        const double expected = std::ldexp(1.0, 62) / (std::ldexp(1.0, 31) + static_cast<double>(a));
        CHECK_NEAR(k::one_over_one_plus(static_cast<int32_t>(a)), expected, 64);
    }
    CHECK_EQUAL(k::leading_zeros(1), 31);
    CHECK_EQUAL(k::leading_zeros(0x80000000u), 0);
}

TEST(the_average_of_a_pool_rounds_half_away) {
    k::MeanInt<PoolShape> positive, negative;
    for (const int value : {1, 2}) {
        positive.add(static_cast<int8_t>(value));
        negative.add(static_cast<int8_t>(-value));
    }
    CHECK_EQUAL(positive.result(2), 2);
    CHECK_EQUAL(negative.result(2), -2);
}

TEST(a_table_replaces_a_function) {
    int8_t table[256];
    for (int i = 0; i < 256; ++i) table[i] = static_cast<int8_t>(127 - i);
    int8_t values[] = {-128, 0, 127};
    k::lookup<LookupShape>(values, values, table);
    CHECK(values[0] == 127 && values[1] == -1 && values[2] == -128);
}
