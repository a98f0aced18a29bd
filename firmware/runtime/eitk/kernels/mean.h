// MEAN and AVERAGE_POOL_2D over all rows and columns: the rows are added channel by channel, and the sums are scaled
// once.
#pragma once

#include <float.h>

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// Computes the sums of kChannels channels over kRows rows of pixels.
template <int kChannels, int kRows, int kRowElements, class Sum, class Source>
inline void sum_pixels(Source& source, Sum* sums) {
    for (int c = 0; c < kChannels; ++c) sums[c] = 0;
    for (int row = 0; row < kRows; ++row) {
        const typename Source::Element* values = source.next();
        for (int i = 0; i < kRowElements; i += kChannels) {
            for (int c = 0; c < kChannels; ++c) sums[c] += values[i + c];
        }
    }
}

// S: kChannels; kBias, which is -zero_point * count; kMultiplier and kShift, which include the factor 1 / count; and
// the constants of `requantize`.
template <class S, int kRows, int kRowElements, class Source>
inline void mean(Source& source, int32_t* sums, int8_t* out) {
    sum_pixels<S::kChannels, kRows, kRowElements>(source, sums);
    for (int c = 0; c < S::kChannels; ++c) out[c] = requantize<S>(sums[c] + S::kBias, S::kMultiplier, S::kShift);
}

// S: kChannels; kCount, the number of pixels.
template <class S, int kRows, int kRowElements, class Source>
inline void mean(Source& source, float* sums, float* out) {
    sum_pixels<S::kChannels, kRows, kRowElements>(source, sums);
    for (int c = 0; c < S::kChannels; ++c) out[c] = sums[c] / static_cast<float>(S::kCount);
}

// AVERAGE_POOL_2D. S: kChannels; kCount, the number of pixels; min() and max(), the range of the activation function.
// Halves are rounded away from zero, or up if kUnsigned, for uint8 values that are each lowered by 128.
template <class S, int kRows, int kRowElements, class Source>
inline void average(Source& source, int32_t* sums, int8_t* out) {
    sum_pixels<S::kChannels, kRows, kRowElements>(source, sums);
    for (int c = 0; c < S::kChannels; ++c) {
        const int32_t mean = S::kUnsigned
                                 ? (sums[c] + 128 * S::kCount + S::kCount / 2) / S::kCount - 128
                                 : (sums[c] > 0 ? sums[c] + S::kCount / 2 : sums[c] - S::kCount / 2) / S::kCount;
        out[c] = static_cast<int8_t>(clamp(mean, S::min(), S::max()));
    }
}

template <class S, int kRows, int kRowElements, class Source>
inline void average(Source& source, float* sums, float* out) {
    sum_pixels<S::kChannels, kRows, kRowElements>(source, sums);
    for (int c = 0; c < S::kChannels; ++c) {
        const float mean = sums[c] / static_cast<float>(S::kCount);
        out[c] = mean < S::min() ? S::min() : (mean > S::max() ? S::max() : mean);
    }
}

}  // namespace kernels
}  // namespace eitk
