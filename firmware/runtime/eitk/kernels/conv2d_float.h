// CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on float.
#pragma once

#include <float.h>

#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

template <class S>
inline float clamped(float value) {
    return value < S::min() ? S::min() : (value > S::max() ? S::max() : value);
}

// S: the geometry as for Window; kTapRows, kTapCols, kTapRowStep, kTapColStep, the positions of the runs of kRun inputs
// of a pixel; kColStep, the distance between pixels; kOutRows, kOutCols, kOutChannels, min(), max().
// Order of the weights: group of four channels, input, channel.
template <class S, class Source>
class Conv2DFloat {
public:
    using Output = float;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = 1;

    Conv2DFloat(Source& source, float* window, const float* weights, const float* biases)
        : window_(source, window), weights_(weights), biases_(biases) {}

    void block(float* out) {
        const float* x = window_.slide();
        for (int col = 0; col < S::kOutCols; ++col, x += S::kColStep, out += S::kOutChannels) pixel(x, out);
    }

private:
    void pixel(const float* x, float* out) const {
        const float* weights = weights_;
        for (int c = 0; c < S::kOutChannels; c += 4) {
            float sums[4] = {biases_[c], biases_[c + 1], biases_[c + 2], biases_[c + 3]};
            weights = add(x, weights, sums);
            for (int i = 0; i < 4 && c + i < S::kOutChannels; ++i) out[c + i] = clamped<S>(sums[i]);
        }
    }

    static const float* add(const float* x, const float* weights, float (&sums)[4]) {
        float s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
        for (int row = 0; row < S::kTapRows; ++row) {
            for (int col = 0; col < S::kTapCols; ++col) {
                const float* p = x + row * S::kTapRowStep + col * S::kTapColStep;
                for (int i = 0; i < S::kRun; ++i, weights += 4) {
                    const float value = p[i];
                    s0 += value * weights[0];
                    s1 += value * weights[1];
                    s2 += value * weights[2];
                    s3 += value * weights[3];
                }
            }
        }
        sums[0] = s0;
        sums[1] = s1;
        sums[2] = s2;
        sums[3] = s3;
        return weights;
    }

    Window<float, S, Source> window_;
    const float* weights_;
    const float* biases_;
};

// The same with one input channel for each output channel. Order of the weights: tap, channel.
template <class S, class Source>
class DepthwiseConv2DFloat {
public:
    using Output = float;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = 1;

    DepthwiseConv2DFloat(Source& source, float* window, const float* weights, const float* biases)
        : window_(source, window), weights_(weights), biases_(biases) {}

    void block(float* out) {
        const float* x = window_.slide();
        for (int col = 0; col < S::kOutCols; ++col, x += S::kColStep, out += S::kOutChannels) {
            for (int c = 0; c < S::kOutChannels; ++c) out[c] = clamped<S>(sum(x + c / S::kDepthMultiplier, c));
        }
    }

private:
    float sum(const float* x, int channel) const {
        float total = biases_[channel];
        const float* weight = weights_ + channel;
        for (int row = 0; row < S::kTapRows; ++row) {
            for (int col = 0; col < S::kTapCols; ++col, weight += S::kOutChannels) {
                total += x[row * S::kTapRowStep + col * S::kTapColStep] * *weight;
            }
        }
        return total;
    }

    Window<float, S, Source> window_;
    const float* weights_;
    const float* biases_;
};

// S: kBatches, kInputs, kOutputs, min(), max(). Order of the weights: output, input.
template <class S>
inline void fully_connected_float(const float* in, float* out, const float* weights, const float* biases) {
    for (int batch = 0; batch < S::kBatches; ++batch, in += S::kInputs) {
        for (int o = 0; o < S::kOutputs; ++o) {
            const float* w = weights + o * S::kInputs;
            float sum = biases[o];
            for (int i = 0; i < S::kInputs; ++i) sum += in[i] * w[i];
            *out++ = clamped<S>(sum);
        }
    }
}

}  // namespace kernels
}  // namespace eitk
