// The first layer of many networks on int8: CONV_2D 3 x 3 on one channel, ReLU and 2 x 2 max pool.
//
// The two rows of a pool are computed with Winograd's F(2, 3), which takes four products of rows instead of six. Of the
// four input rows d0 to d3, the rows d0 - d2, d1 + d2, d2 - d1 and d1 - d3 are kept in registers, from which all
// channels are computed. The upper output is m0 + m1 + m2 and the lower one m1 - m2 - m3, where m0 to m3 are the
// products with the transformed rows of the kernel. All are integers, since the weights are multiplied by four.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// One output channel. Of the transformed kernel rows 2, 3, 0 and 1 there are the pairs (w0, w1) and (w1, w2). Row 0 is
// 4 g0, row 1 2 (g0 + g1 + g2), row 2 2 (g0 - g1 + g2) and row 3 4 g2, where g0 to g2 are the rows of the kernel.
struct FirstChannel {
    uint32_t weights[8];
    int32_t bias;  // times four
    int32_t multiplier;
    int32_t rounding;  // both roundings and the zero point of the output
    uint32_t shift;    // in the low byte; bit 31 marks the last channel
};

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables): the assembler writes to these variables

// Loads two columns of the four rows at r0 and stores them, transformed, in r5, r7, r9 and r11.
#define EITK_FIRST_INPUTS         \
    "movw r12, %[row_bytes]\n\t"  \
    "add lr, r0, r12, lsl #1\n\t" \
    "ldr r5, [r0]\n\t"            \
    "ldr r7, [r0, r12]\n\t"       \
    "ldr r2, [lr]\n\t"            \
    "ldr r11, [lr, r12]\n\t"      \
    "ssub16 r5, r5, r2\n\t"       \
    "ssub16 r9, r2, r7\n\t"       \
    "ssub16 r11, r7, r11\n\t"     \
    "sadd16 r7, r7, r2\n\t"

// The greater sum of the two rows of a column, in P. r4 to r11 are the inputs: for each transformed row, the columns
// 0 and 1, and 2 and 3. WEIGHTS loads the weights of a row in r12 and lr. FIRST begins a sum of the products of three
// inputs, A and B add them. After row 0, P is m0 + m2, and r3 becomes the difference of the two outputs.
// clang-format off
#define EITK_FIRST_COLUMN(P, WEIGHTS, FIRST, A, B)       \
    WEIGHTS("32") FIRST("r8", "r9", P)                   \
    WEIGHTS("24") A("r3", "r10", P) B("r3", "r11", "r3") \
    WEIGHTS("16") A(P, "r4", P) B(P, "r5", P)            \
    "add r3, r3, " P "\n\t"                              \
    WEIGHTS("8") A(P, "r6", P) B(P, "r7", P)             \
    "and r3, r3, r3, asr #31\n\t"                        \
    "sub " P ", " P ", r3\n\t"
// clang-format on

#define EITK_FIRST_NEXT(ahead) "ldrd r12, lr, [r0], #8\n\t"
#define EITK_FIRST_AGAIN(behind) "ldrd r12, lr, [r0, #-" behind "]\n\t"
#define EITK_FIRST_LEFT_A(to, x, sum) "smlad " to ", " x ", r12, " sum "\n\t"
#define EITK_FIRST_LEFT_B(to, x, sum) "smlabt " to ", " x ", lr, " sum "\n\t"
#define EITK_FIRST_LEFT(xa, xb, to) "smuad " to ", " xa ", r12\n\t" EITK_FIRST_LEFT_B(to, xb, to)
#define EITK_FIRST_RIGHT_A(to, x, sum) "smlatb " to ", " x ", r12, " sum "\n\t"
#define EITK_FIRST_RIGHT_B(to, x, sum) "smlad " to ", " x ", lr, " sum "\n\t"
#define EITK_FIRST_RIGHT(xa, xb, to) "smultb " to ", " xa ", r12\n\t" EITK_FIRST_RIGHT_B(to, xb, to)

// Computes all channels of `pools` pools of two columns or, at the end of a row, of one. kWidth: elements of a row.
template <int kWidth, bool kBothColumns>
EITK_ALL_REGISTERS void first_pools(const int16_t* inputs, const FirstChannel* channels, int8_t* to, int pools) {
    register const int16_t* x __asm__("r0") = inputs;
    register const FirstChannel* channel __asm__("r1") = channels;
    register int8_t* out __asm__("r2") = to;
    register const int16_t* x_end __asm__("r3") = inputs + 2 * pools;
    __asm__ volatile(
        "push {r0, r1, r2, r3}\n\t"
        EITK_FIRST_INPUTS
        "0:\n\t"
        "ldr r0, [sp]\n\t"
        "mov r4, r5\n\t"
        "mov r6, r7\n\t"
        "mov r8, r9\n\t"
        "mov r10, r11\n\t"
        "add r0, r0, #4\n\t"
        "str r0, [sp]\n\t"
        EITK_FIRST_INPUTS
        "ldr r0, [sp, #4]\n"
        "1:\n\t"
        EITK_FIRST_COLUMN("r1", EITK_FIRST_NEXT, EITK_FIRST_LEFT, EITK_FIRST_LEFT_A, EITK_FIRST_LEFT_B)
        ".if %c[both]\n\t"
        EITK_FIRST_COLUMN("r2", EITK_FIRST_AGAIN, EITK_FIRST_RIGHT, EITK_FIRST_RIGHT_A, EITK_FIRST_RIGHT_B)
        "cmp r1, r2\n\t"
        "it lt\n\t"
        "movlt r1, r2\n\t"
        ".endif\n\t"
        "ldmia r0!, {r2, r3, r12, lr}\n\t"  // bias, multiplier, rounding and shift
        "add r1, r1, r2\n\t"
        "ldr r2, [sp, #8]\n\t"
        "smmla r1, r1, r3, r12\n\t"
        "asr r1, r1, lr\n\t"
        "ssat r1, #8, r1\n\t"
        "strb r1, [r2], #1\n\t"
        "str r2, [sp, #8]\n\t"
        "cmp lr, #0\n\t"
        "bge 1b\n\t"
        "ldr r0, [sp]\n\t"
        "ldr r1, [sp, #12]\n\t"
        "cmp r0, r1\n\t"
        "bne 0b\n\t"
        "add sp, sp, #16\n\t"
        : "+r"(x), "+r"(channel), "+r"(out), "+r"(x_end)
        : [both] "i"(kBothColumns ? 1 : 0), [row_bytes] "i"(2 * kWidth)
        : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "memory", "cc");
}

// NOLINTEND(cppcoreguidelines-init-variables)

#else

// Transformed inputs of a pool: for each of four rows the pairs of columns (0, 1) and (2, 3).
struct FirstInputs {
    uint32_t pair[8];
};

inline FirstInputs first_inputs(const int16_t* x, int width) {
    FirstInputs made = {};
    for (int i = 0; i < 2; ++i, x += 2) {
        const uint32_t d0 = load_word(x), d1 = load_word(x + width);
        const uint32_t d2 = load_word(x + 2 * width), d3 = load_word(x + 3 * width);
        made.pair[i] = subtract_pairs(d0, d2);
        made.pair[2 + i] = add_pairs(d1, d2);
        made.pair[4 + i] = subtract_pairs(d2, d1);
        made.pair[6 + i] = subtract_pairs(d1, d3);
    }
    return made;
}

// The greater sum of the two rows of a column.
template <bool kRight>
inline int32_t first_column(const FirstInputs& x, const uint32_t* weights) {
    int32_t product[4];
    for (int row = 0; row < 4; ++row) {
        const uint32_t a = x.pair[2 * row], b = x.pair[2 * row + 1];
        const uint32_t* const w = weights + 2 * (row ^ 2);
        product[row] = kRight ? dual_mac(b, w[1], high_half(a) * low_half(w[0]))
                              : dual_mac(a, w[0], low_half(b) * high_half(w[1]));
    }
    const int32_t upper = product[0] + product[1] + product[2], lower = product[1] - product[2] - product[3];
    return upper > lower ? upper : lower;
}

// Computes all channels of `pools` pools of two columns or, at the end of a row, of one. kWidth: elements of a row.
template <int kWidth, bool kBothColumns>
inline void first_pools(const int16_t* x, const FirstChannel* channels, int8_t* out, int pools) {
    for (const int16_t* const end = x + 2 * pools; x != end; x += 2) {
        const FirstInputs inputs = first_inputs(x, kWidth);
        const FirstChannel* channel = channels;
        do {
            int32_t largest = first_column<false>(inputs, channel->weights);
            const int32_t right = kBothColumns ? first_column<true>(inputs, channel->weights) : largest;
            if (right > largest) largest = right;
            const int32_t value = high_mul_add(largest + channel->bias, channel->multiplier, channel->rounding);
            *out++ = static_cast<int8_t>(clamp(value >> (channel->shift & 0xFFu), INT8_MIN, INT8_MAX));
        } while (channel++->shift >> 31 == 0);
    }
}

#endif

// S: the geometry as for Window, kOutRows, kOutCols, kOutChannels, kConvCols. Conditions: the convolution has an even
// number of rows, the zero point of its output is -128, and four times a sum has 32 bits.
template <class S, class Source>
class FirstConv2D {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = 1;
    static constexpr int kWidth = S::kPadLeft + S::kRowElements + S::kPadRight;

    FirstConv2D(Source& source, int16_t* window, const FirstChannel* channels)
        : window_(source, window), channels_(channels) {}

    void block(int8_t* out) {
        constexpr int kPools = S::kConvCols / 2 < S::kOutCols ? S::kConvCols / 2 : S::kOutCols;
        const int16_t* const x = window_.slide();
        if (kPools > 0) first_pools<kWidth, true>(x, channels_, out, kPools);
        if (kPools < S::kOutCols) {
            first_pools<kWidth, false>(x + 2 * kPools, channels_, out + kPools * S::kOutChannels, 1);
        }
    }

private:
    Window<int16_t, S, Source> window_;
    const FirstChannel* channels_;
};

}  // namespace kernels
}  // namespace eitk
