// DEPTHWISE_CONV_2D on int8, four channels at a time: their inputs are the bytes of one word.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// Adds the products of the four bytes of two words to four sums. One statement, so that the compiler does not load all
// inputs of a pixel before it multiplies them, for which it has no registers.
// NOLINTNEXTLINE(misc-const-correctness): the assembler writes to the sums
inline void four_macs(uint32_t inputs, uint32_t weights, int32_t (&sums)[4]) {
#if defined(__ARM_FEATURE_DSP)
    uint32_t even, of_even;  // NOLINT(cppcoreguidelines-init-variables): the assembler writes to them
    __asm__ volatile(
        "sxtb16 %[even], %[inputs]\n\t"
        "sxtb16 %[inputs], %[inputs], ror #8\n\t"
        "sxtb16 %[of_even], %[weights]\n\t"
        "sxtb16 %[weights], %[weights], ror #8\n\t"
        "smlabb %[sum0], %[even], %[of_even], %[sum0]\n\t"
        "smlabb %[sum1], %[inputs], %[weights], %[sum1]\n\t"
        "smlatt %[sum2], %[even], %[of_even], %[sum2]\n\t"
        "smlatt %[sum3], %[inputs], %[weights], %[sum3]\n\t"
        : [inputs] "+r"(inputs), [weights] "+r"(weights), [sum0] "+r"(sums[0]), [sum1] "+r"(sums[1]),
          [sum2] "+r"(sums[2]), [sum3] "+r"(sums[3]), [even] "=&r"(even), [of_even] "=&r"(of_even));
#else
    const uint32_t even = bytes_02(inputs), odd = bytes_13(inputs);
    const uint32_t of_even = bytes_02(weights), of_odd = bytes_13(weights);
    sums[0] += low_half(even) * low_half(of_even);
    sums[1] += low_half(odd) * low_half(of_odd);
    sums[2] += high_half(even) * high_half(of_even);
    sums[3] += high_half(odd) * high_half(of_odd);
#endif
}

// S: the geometry as for Window; kTapRows, kTapCols, kTapRowStep, kTapColStep, the positions of the inputs of a pixel;
// kColStep, the distance between pixels; kOutRows, kOutCols, kOutChannels, kDepthMultiplier, and those of `requantize`.
// The order of the weights: group of four channels, tap, channel of the group.
template <class S, class Source>
class DepthwiseConv2D {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = 1;

    DepthwiseConv2D(Source& source, int8_t* window, const int8_t* weights, const Channel* channels)
        : window_(source, window), weights_(weights), channels_(channels) {}

    void block(int8_t* out) {
        const int8_t* x = window_.slide();
        for (int col = 0; col < S::kOutCols; ++col, x += S::kColStep, out += S::kOutChannels) pixel(x, out);
    }

private:
    static constexpr int kGroup = 4;
    static constexpr int kTaps = S::kTapRows * S::kTapCols;

    void pixel(const int8_t* x, int8_t* out) const {
        const int8_t* weights = weights_;
        const Channel* channel = channels_;
        constexpr int kWhole = S::kOutChannels / kGroup * kGroup;
        for (int c = 0; c < kWhole; c += kGroup, channel += kGroup, weights += kGroup * kTaps) {
            group<kGroup>(x, c, weights, channel, out + c);
        }
        if (kWhole < S::kOutChannels) group<S::kOutChannels - kWhole>(x, kWhole, weights, channel, out + kWhole);
    }

    // Computes the output channels c to c + kCount - 1.
    template <int kCount>
    static void group(const int8_t* x, int c, const int8_t* weights, const Channel* channel, int8_t* out) {
        int32_t sums[kGroup] = {channel[0].bias, channel[1].bias, channel[2].bias, channel[3].bias};
        if (S::kDepthMultiplier == 1) {
            add_word(x + c, weights, sums);
        } else {
            add_each<kCount>(x, c, weights, sums);
        }
#pragma GCC unroll 4
        for (int i = 0; i < kCount; ++i) out[i] = requantize<S>(sums[i], channel[i].multiplier, channel[i].shift);
    }

    // Adds the products of the input channels x[0] to x[3].
    static void add_word(const int8_t* x, const int8_t* weights, int32_t (&sums)[kGroup]) {
#pragma GCC unroll 16
        for (int row = 0; row < S::kTapRows; ++row) {
#pragma GCC unroll 4
            for (int col = 0; col < S::kTapCols; ++col, weights += kGroup) {
                four_macs(load_word(x + row * S::kTapRowStep + col * S::kTapColStep), load_word(weights), sums);
            }
        }
    }

    // Adds the products of the output channels from c on. Each reads input channel c / kDepthMultiplier.
    template <int kCount>
    static void add_each(const int8_t* x, int c, const int8_t* weights, int32_t (&sums)[kGroup]) {
        for (int row = 0; row < S::kTapRows; ++row) {
            for (int col = 0; col < S::kTapCols; ++col, weights += kGroup) {
                const int8_t* const inputs = x + row * S::kTapRowStep + col * S::kTapColStep;
#pragma GCC unroll 4
                for (int i = 0; i < kCount; ++i) sums[i] += inputs[(c + i) / S::kDepthMultiplier] * weights[i];
            }
        }
    }

    Window<int8_t, S, Source> window_;
    const int8_t* weights_;
    const Channel* channels_;
};

}  // namespace kernels
}  // namespace eitk
