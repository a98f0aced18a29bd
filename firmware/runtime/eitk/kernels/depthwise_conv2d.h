// DEPTHWISE_CONV_2D on int8, four channels at a time: their inputs are the bytes of one word.
//
// Two taps are multiplied at a time: PKHBT and PKHTB bring the inputs of both for two channels into one word, whose
// even and odd bytes are the pairs of the two channels. The weights are stored like this.
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

// Adds the products of two taps, whose inputs are two words. Returns the weights behind the two words that it reads:
// those of the first two channels for both taps, and of the other two.
//
// NOLINTNEXTLINE(misc-const-correctness): the assembler writes to the sums
inline const uint32_t* eight_macs(uint32_t first, uint32_t second, const uint32_t* weights, int32_t (&sums)[4]) {
#if defined(__ARM_FEATURE_DSP)
    uint32_t pairs, low, high, even;  // NOLINT(cppcoreguidelines-init-variables): the assembler writes to them
    __asm__ volatile(
        "ldrd %[low], %[high], [%[weights]], #8\n\t"
        "pkhbt %[pairs], %[first], %[second], lsl #16\n\t"
        "pkhtb %[second], %[second], %[first], asr #16\n\t"
        "sxtb16 %[first], %[pairs]\n\t"
        "sxtb16 %[pairs], %[pairs], ror #8\n\t"
        "sxtb16 %[even], %[low]\n\t"
        "sxtb16 %[low], %[low], ror #8\n\t"
        "smlad %[sum0], %[first], %[even], %[sum0]\n\t"
        "smlad %[sum1], %[pairs], %[low], %[sum1]\n\t"
        "sxtb16 %[first], %[second]\n\t"
        "sxtb16 %[second], %[second], ror #8\n\t"
        "sxtb16 %[even], %[high]\n\t"
        "sxtb16 %[high], %[high], ror #8\n\t"
        "smlad %[sum2], %[first], %[even], %[sum2]\n\t"
        "smlad %[sum3], %[second], %[high], %[sum3]\n\t"
        : [first] "+r"(first), [second] "+r"(second), [weights] "+r"(weights), [sum0] "+r"(sums[0]),
          [sum1] "+r"(sums[1]), [sum2] "+r"(sums[2]), [sum3] "+r"(sums[3]), [pairs] "=&r"(pairs), [low] "=&r"(low),
          [high] "=&r"(high), [even] "=&r"(even)
        :
        : "memory");
    return weights;
#else
    const uint32_t low = (first & 0xFFFFu) | (second << 16), high = (first >> 16) | (second & 0xFFFF0000u);
    sums[0] = dual_mac(bytes_02(low), bytes_02(weights[0]), sums[0]);
    sums[1] = dual_mac(bytes_13(low), bytes_13(weights[0]), sums[1]);
    sums[2] = dual_mac(bytes_02(high), bytes_02(weights[1]), sums[2]);
    sums[3] = dual_mac(bytes_13(high), bytes_13(weights[1]), sums[3]);
    return weights + 2;
#endif
}

// One pixel. S: kTapRows, kTapCols, kTapRowStep, kTapColStep, the positions of its inputs; kOutChannels,
// kDepthMultiplier, and the constants of `requantize`. The weights are words of four, group of four channels by group:
// with a multiplier of one, of lines of taps, those of a row, or of a column if there is only one; of a line, pairs of
// taps and the last of an odd number. Otherwise, of one tap after the other. If kFast, the shift of a channel is the
// argument `right` of `requantize_fast`.
template <class S>
class DepthwisePixel {
public:
    // Whole words are read: up to three bytes behind the last input, unless the channels are whole groups.
    static void run(const int8_t* x, const uint32_t* weights, const Channel* channel, int8_t* out) {
        constexpr int kWhole = S::kOutChannels / kGroup * kGroup;
        for (int c = 0; c < kWhole; c += kGroup, channel += kGroup, weights += kLines * kTaps) {
            group<kGroup>(x, c, weights, channel, out + c);
        }
        if (kWhole < S::kOutChannels) group<S::kOutChannels - kWhole>(x, kWhole, weights, channel, out + kWhole);
    }

private:
    static constexpr int kGroup = 4;
    static constexpr bool kAlongRow = S::kTapCols > 1;
    static constexpr int kLines = kAlongRow ? S::kTapRows : 1;
    static constexpr int kTaps = kAlongRow ? S::kTapCols : S::kTapRows;  // of a line
    static constexpr int kTapStep = kAlongRow ? S::kTapColStep : S::kTapRowStep;

    // Computes the output channels c to c + kCount - 1.
    template <int kCount>
    static void group(const int8_t* x, int c, const uint32_t* weights, const Channel* channel, int8_t* out) {
        int32_t sums[kGroup] = {channel[0].bias, channel[1].bias, channel[2].bias, channel[3].bias};
        if (S::kDepthMultiplier == 1) {
            add_word(x + c, weights, sums);
        } else {
            add_each<kCount>(x, c, reinterpret_cast<const int8_t*>(weights), sums);
        }
#pragma GCC unroll 4
        for (int i = 0; i < kCount; ++i) {
            out[i] = S::kFast ? requantize_fast<S>(sums[i], channel[i].multiplier, channel[i].shift)
                              : requantize<S>(sums[i], channel[i].multiplier, channel[i].shift);
        }
    }

    // Adds the products of the input channels x[0] to x[3].
    static void add_word(const int8_t* x, const uint32_t* weights, int32_t (&sums)[kGroup]) {
#pragma GCC unroll 8
        for (int line = 0; line < kLines; ++line, x += S::kTapRowStep) {
#pragma GCC unroll 16
            for (int tap = 0; tap + 2 <= kTaps; tap += 2) {
                const int8_t* const inputs = x + tap * kTapStep;
                weights = eight_macs(load_word(inputs), load_word(inputs + kTapStep), weights, sums);
            }
            if (kTaps % 2 > 0) four_macs(load_word(x + (kTaps - 1) * kTapStep), *weights++, sums);
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
};

// S: the geometry as for Window and DepthwisePixel; kColStep, the distance between pixels; kOutRows, kOutCols.
template <class S, class Source>
class DepthwiseConv2D {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = 1;

    DepthwiseConv2D(Source& source, int8_t* window, const uint32_t* weights, const Channel* channels)
        : window_(source, window), weights_(weights), channels_(channels) {}

    void block(int8_t* out) {
        const int8_t* x = window_.slide();
        for (int col = 0; col < S::kOutCols; ++col, x += S::kColStep, out += S::kOutChannels) {
            DepthwisePixel<S>::run(x, weights_, channels_, out);
        }
    }

private:
    Window<int8_t, S, Source> window_;
    const uint32_t* weights_;
    const Channel* channels_;
};

// The same for a layer without padding whose output is one row: it needs no window.
template <class S>
inline void depthwise_row(const int8_t* x, int8_t* out, const uint32_t* weights, const Channel* channels) {
    for (int col = 0; col < S::kOutCols; ++col, x += S::kColStep, out += S::kOutChannels) {
        DepthwisePixel<S>::run(x, weights, channels, out);
    }
}

}  // namespace kernels
}  // namespace eitk
