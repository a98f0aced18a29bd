// The first layer of many networks on int8: CONV_2D 3 x 3 on one channel, ReLU and 2 x 2 max pool.
//
// With one input channel, the three inputs of a kernel row are not a whole number of pairs, and pixels have odd
// addresses. So the sixteen inputs of a pool are read once into eight registers, from which all channels are computed.
// The weights are stored twice: for the left column of the pool and, shifted by one input, for the right column.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// One output channel. For each kernel row, `left` has the pairs (w0, w1) (w2, 0) and `right` has (0, w0) (w1, w2).
struct FirstChannel {
    uint32_t left[6];
    uint32_t right[6];
    int32_t bias;
    int32_t multiplier;
    int32_t shift;  // right shift minus one
};

// Sixteen inputs: for each of four rows the pairs (0, 1) and (2, 3).
struct FirstInputs {
    uint32_t pair[8];
};

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables,readability-non-const-parameter): the assembler writes to these
// variables

// Accumulates three kernel rows for the upper pixel of a column in P and for the lower pixel in Q.
#define EITK_FIRST_COLUMN(P, Q)         \
    "ldrd %[wa], %[wb], [%[w]], #8\n\t" \
    "smuad " P                          \
    ", %[d0], %[wa]\n\t"                \
    "smlad " P ", %[d1], %[wb], " P     \
    "\n\t"                              \
    "smuad " Q                          \
    ", %[d2], %[wa]\n\t"                \
    "smlad " Q ", %[d3], %[wb], " Q     \
    "\n\t"                              \
    "ldrd %[wa], %[wb], [%[w]], #8\n\t" \
    "smlad " P ", %[d2], %[wa], " P     \
    "\n\t"                              \
    "smlad " P ", %[d3], %[wb], " P     \
    "\n\t"                              \
    "smlad " Q ", %[d4], %[wa], " Q     \
    "\n\t"                              \
    "smlad " Q ", %[d5], %[wb], " Q     \
    "\n\t"                              \
    "ldrd %[wa], %[wb], [%[w]], #8\n\t" \
    "smlad " P ", %[d4], %[wa], " P     \
    "\n\t"                              \
    "smlad " P ", %[d5], %[wb], " P     \
    "\n\t"                              \
    "smlad " Q ", %[d6], %[wa], " Q     \
    "\n\t"                              \
    "smlad " Q ", %[d7], %[wb], " Q "\n\t"

#define EITK_LARGER(P, Q) "cmp " P ", " Q "\n\tit lt\n\tmovlt " P ", " Q "\n\t"
#define EITK_FIRST_BOTH EITK_FIRST_COLUMN("%[q]", "%[r]") EITK_LARGER("%[p]", "%[q]") EITK_LARGER("%[p]", "%[r]")
#define EITK_FIRST_SKIP "add %[w], %[w], #24\n\t"

// The loop over all channels of one pool. Every register is in use, so that the address of the output and the end of
// the channels are stored on the stack.
#define EITK_FIRST_CHANNELS(right)                                                                                 \
    __asm__ volatile(                                                                                              \
        "push {%[wb]}\n\t"                                                                                         \
        "push {%[wa]}\n"                                                                                           \
        "0:\n\t" EITK_FIRST_COLUMN("%[p]", "%[q]") EITK_LARGER("%[p]", "%[q]") right                               \
        "ldr %[q], [%[w]], #4\n\t"                                                                                 \
        "ldrd %[wa], %[wb], [%[w]], #8\n\t"                                                                        \
        "add %[p], %[p], %[q]\n\t"                                                                                 \
        "lsl %[p], %[p], #1\n\t"                                                                                   \
        "smmulr %[p], %[p], %[wa]\n\t"                                                                             \
        "ldr %[q], [sp]\n\t"                                                                                       \
        "asr %[p], %[p], %[wb]\n\t"                                                                                \
        "sub %[p], %[p], #255\n\t"                                                                                 \
        "ssat %[p], #8, %[p], asr #1\n\t"                                                                          \
        "ldr %[wa], [sp, #4]\n\t"                                                                                  \
        "strb %[p], [%[q]], #1\n\t"                                                                                \
        "str %[q], [sp]\n\t"                                                                                       \
        "cmp %[w], %[wa]\n\t"                                                                                      \
        "bne 0b\n\t"                                                                                               \
        "add sp, sp, #8\n\t"                                                                                       \
        : [w] "+r"(channel), [wa] "+r"(to), [wb] "+r"(end), [p] "=&r"(p), [q] "=&r"(q), [r] "=&r"(r)               \
        : [d0] "r"(x.pair[0]), [d1] "r"(x.pair[1]), [d2] "r"(x.pair[2]), [d3] "r"(x.pair[3]), [d4] "r"(x.pair[4]), \
          [d5] "r"(x.pair[5]), [d6] "r"(x.pair[6]), [d7] "r"(x.pair[7])                                            \
        : "memory", "cc")

template <bool kBothColumns>
EITK_ALL_REGISTERS void first_channels(const FirstInputs& x, const FirstChannel* channel, int count, int8_t* to) {
    const FirstChannel* end = channel + count;
    int32_t p, q, r;
    if (kBothColumns) {
        EITK_FIRST_CHANNELS(EITK_FIRST_BOTH);
    } else {
        EITK_FIRST_CHANNELS(EITK_FIRST_SKIP);
    }
}

// NOLINTEND(cppcoreguidelines-init-variables,readability-non-const-parameter)

#else

// The greater accumulator of the two pixels of a column.
inline int32_t first_column(const FirstInputs& x, const uint32_t* weights) {
    int32_t upper = 0, lower = 0;
    for (int i = 0; i < 6; ++i) {
        upper = dual_mac(x.pair[i], weights[i], upper);
        lower = dual_mac(x.pair[i + 2], weights[i], lower);
    }
    return upper > lower ? upper : lower;
}

template <bool kBothColumns>
inline void first_channels(const FirstInputs& x, const FirstChannel* channel, int count, int8_t* to) {
    for (const FirstChannel* const end = channel + count; channel != end; ++channel) {
        int32_t largest = first_column(x, channel->left);
        const int32_t right = kBothColumns ? first_column(x, channel->right) : largest;
        if (right > largest) largest = right;
        const int32_t value = doubling_high_mul(largest + channel->bias, channel->multiplier);
        *to++ = static_cast<int8_t>(saturate_half_int8((value >> channel->shift) - 255));
    }
}

#endif

// S: the geometry as for Window, kOutRows, kOutCols, kOutChannels, kConvCols. Conditions: the convolution has an even
// number of rows, the zero point of its output is -128, and S::kFast of `requantize` would be true.
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
        const int16_t* x = window_.slide();
        for (int col = 0; col < S::kOutCols; ++col, x += 2, out += S::kOutChannels) {
            const FirstInputs inputs = {{load_word(x), load_word(x + 2), load_word(x + kWidth),
                                         load_word(x + kWidth + 2), load_word(x + 2 * kWidth),
                                         load_word(x + 2 * kWidth + 2), load_word(x + 3 * kWidth),
                                         load_word(x + 3 * kWidth + 2)}};
            if (2 * col + 1 < S::kConvCols) {
                first_channels<true>(inputs, channels_, S::kOutChannels, out);
            } else {
                first_channels<false>(inputs, channels_, S::kOutChannels, out);
            }
        }
    }

private:
    Window<int16_t, S, Source> window_;
    const FirstChannel* channels_;
};

}  // namespace kernels
}  // namespace eitk
