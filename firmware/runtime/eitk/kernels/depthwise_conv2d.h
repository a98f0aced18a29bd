// DEPTHWISE_CONV_2D on int8, two channels at a time: their inputs are adjacent in one word.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// S: the geometry as for Window; kTapRows, kTapCols, kTapRowStep, kTapColStep, the positions of the inputs of a pixel;
// kColStep, the distance between pixels; kOutRows, kOutCols, kOutChannels, kDepthMultiplier, and those of `requantize`.
// The weights are widened to int16. Their order: pair of channels, tap, channel of the pair.
template <class S, class Source>
class DepthwiseConv2D {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = 1;

    DepthwiseConv2D(Source& source, int16_t* window, const int16_t* weights, const Channel* channels)
        : window_(source, window), weights_(weights), channels_(channels) {}

    void block(int8_t* out) {
        const int16_t* x = window_.slide();
        for (int col = 0; col < S::kOutCols; ++col, x += S::kColStep, out += S::kOutChannels) pixel(x, out);
    }

private:
    void pixel(const int16_t* x, int8_t* out) const {
        const int16_t* weights = weights_;
        const Channel* channel = channels_;
        for (int c = 0; c < S::kOutChannels; c += 2, channel += 2) {
            int32_t a = channel[0].bias, b = channel[1].bias;
            weights = S::kDepthMultiplier == 1 ? add_pair(x + c, weights, a, b) : add_two(x, c, weights, a, b);
            out[c] = requantize<S>(a, channel[0].multiplier, channel[0].shift);
            if (c + 1 < S::kOutChannels) out[c + 1] = requantize<S>(b, channel[1].multiplier, channel[1].shift);
        }
    }

    // Adds the products of the input channels x[0] and x[1].
    static const int16_t* add_pair(const int16_t* x, const int16_t* weights, int32_t& a, int32_t& b) {
#pragma GCC unroll 16
        for (int row = 0; row < S::kTapRows; ++row) {
#pragma GCC unroll 4
            for (int col = 0; col < S::kTapCols; ++col, weights += 2) {
                const uint32_t w = load_word(weights);
                const uint32_t values = load_word(x + row * S::kTapRowStep + col * S::kTapColStep);
                a += low_half(values) * low_half(w);
                b += high_half(values) * high_half(w);
            }
        }
        return weights;
    }

    // Adds the products of the output channels c and c + 1. Each reads input channel c / kDepthMultiplier.
    static const int16_t* add_two(const int16_t* x, int c, const int16_t* weights, int32_t& a, int32_t& b) {
        const int16_t* of_a = x + c / S::kDepthMultiplier;
        const int16_t* of_b = x + (c + 1) / S::kDepthMultiplier;
        for (int row = 0; row < S::kTapRows; ++row) {
            for (int col = 0; col < S::kTapCols; ++col, weights += 2) {
                const int at = row * S::kTapRowStep + col * S::kTapColStep;
                a += of_a[at] * weights[0];
                b += of_b[at] * weights[1];
            }
        }
        return weights;
    }

    Window<int16_t, S, Source> window_;
    const int16_t* weights_;
    const Channel* channels_;
};

}  // namespace kernels
}  // namespace eitk
