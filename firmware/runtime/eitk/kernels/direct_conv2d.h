// CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED in their general form, for what the faster kernels do
// not have: groups of channels, weights with a zero point, data of 16 bits, and inputs that are apart.
#pragma once

#include <float.h>

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// As Channel, for sums of 64 bits.
struct WideChannel {
    int64_t bias;
    int32_t multiplier;
    int32_t shift;
};

// Adds the zero point and clamps, as `finish`, for any integer type.
template <class S, class T>
inline T finish_as(int32_t value) {
    return static_cast<T>(clamp(value, S::kMin - S::kOutputZeroPoint, S::kMax - S::kOutputZeroPoint) +
                          S::kOutputZeroPoint);
}

// value * multiplier * 2^(shift - 31), where the multiplier is rounded to 16 bits, for -31 <= shift <= 7.
inline int32_t multiply_wide(int64_t value, int32_t multiplier, int32_t shift) {
    const int32_t reduced = multiplier < 0x7FFF0000 ? (multiplier + (1 << 15)) >> 16 : 0x7FFF;
    const int total_shift = 15 - shift;
    return static_cast<int32_t>((value * reduced + (INT64_C(1) << (total_shift - 1))) >> total_shift);
}

// S: kInZero, kWeightZero and the constants of `finish_as`. The sum is rounded twice.
template <class S, class T>
struct DirectInt {
    using Data = T;
    using Weight = int8_t;
    using Scale = Channel;
    using Sum = int32_t;
    static Sum product(T x, int8_t w) { return (x - S::kInZero) * (w - S::kWeightZero); }
    static T last(Sum sum, const Channel& c) {
        return finish_as<S, T>(multiply_by_quantized(sum, c.multiplier, c.shift));
    }
};

template <class S>
using DirectInt8 = DirectInt<S, int8_t>;
template <class S>
using DirectInt16 = DirectInt<S, int16_t>;

// The sum is rounded once, as the reference does for FULLY_CONNECTED.
template <class S, class T>
struct DirectDense : DirectInt<S, T> {
    static T last(int32_t sum, const Channel& c) {
        return finish_as<S, T>(multiply_rounding_once(sum, c.multiplier, c.shift));
    }
};

template <class S>
using DirectDenseInt8 = DirectDense<S, int8_t>;
template <class S>
using DirectDenseInt16 = DirectDense<S, int16_t>;

// int16 data with sums of 64 bits, as a bias of 64 bits needs them.
template <class S>
struct DirectWideInt16 {
    using Data = int16_t;
    using Weight = int8_t;
    using Scale = WideChannel;
    using Sum = int64_t;
    static Sum product(int16_t x, int8_t w) { return static_cast<int32_t>(x) * w; }
    static int16_t last(Sum sum, const WideChannel& c) {
        return finish_as<S, int16_t>(multiply_wide(sum, c.multiplier, c.shift));
    }
};

struct FloatChannel {
    float bias;
};

// S: min() and max(), the range of the activation function.
template <class S>
struct DirectFloat {
    using Data = float;
    using Weight = float;
    using Scale = FloatChannel;
    using Sum = float;
    static Sum product(float x, float w) { return x * w; }
    static float last(float sum, const FloatChannel&) {
        return sum < S::min() ? S::min() : (sum > S::max() ? S::max() : sum);
    }
};

// The index of the input at a position, of which every kSpread-th has one; -1 for none.
template <int kSpread, int kCount>
inline int input_at(int position) {
    return position < 0 || position % kSpread != 0 || position / kSpread >= kCount ? -1 : position / kSpread;
}

// Adds the products of one pixel and one channel to `sum`.
template <class S, class A>
inline typename A::Sum direct_sum(const typename A::Data* in, const typename A::Weight* w, int row, int col,
                                  typename A::Sum sum) {
    for (int r = 0; r < S::kKernelRows; ++r) {
        const int y = input_at<S::kSpreadRows, S::kInRows>(row + r * S::kDilationRows);
        for (int c = 0; c < S::kKernelCols; ++c, w += S::kGroupInputs) {
            const int x = input_at<S::kSpreadCols, S::kInCols>(col + c * S::kDilationCols);
            if (y < 0 || x < 0) continue;
            const typename A::Data* const p = in + (y * S::kInCols + x) * S::kInChannels;
#pragma GCC unroll 4
            for (int i = 0; i < S::kGroupInputs; ++i) sum += A::product(p[i], w[i]);
        }
    }
    return sum;
}

// S: kInRows, kInCols, kInChannels, kOutRows, kOutCols, kOutChannels, kGroupInputs, kGroupOutputs, and for rows and
// columns kKernel, kStride, kDilation, kSpread, kPadTop and kPadLeft. A: the arithmetic. Order of the weights: output,
// row, column, input of its group.
template <class S, class A>
inline void direct_conv2d(const typename A::Data* in, typename A::Data* out, const typename A::Weight* weights,
                          const typename A::Scale* channels) {
    constexpr int kWeights = S::kKernelRows * S::kKernelCols * S::kGroupInputs;
    for (int row = -S::kPadTop, r = 0; r < S::kOutRows; ++r, row += S::kStrideRows) {
        for (int col = -S::kPadLeft, c = 0; c < S::kOutCols; ++c, col += S::kStrideCols) {
            for (int o = 0; o < S::kOutChannels; ++o) {
                const typename A::Data* const group = in + o / S::kGroupOutputs * S::kGroupInputs;
                const typename A::Sum first = channels[o].bias;
                *out++ = A::last(direct_sum<S, A>(group, weights + o * kWeights, row, col, first), channels[o]);
            }
        }
    }
}

}  // namespace kernels
}  // namespace eitk
