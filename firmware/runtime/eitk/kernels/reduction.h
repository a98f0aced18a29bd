// MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any axes.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// S: the constants of `mean` in mean.h.
template <class S>
struct SumInt8 {
    using Sum = int32_t;
    static Sum first(int8_t value) { return value; }
    static Sum next(Sum sum, int8_t value) { return sum + value; }
    static int8_t last(Sum sum) { return requantize<S>(sum + S::kBias, S::kMultiplier, S::kShift); }
};

template <class S>
struct SumInt16 {
    using Sum = int32_t;
    static Sum first(int16_t value) { return value; }
    static Sum next(Sum sum, int16_t value) { return sum + value; }
    static int16_t last(Sum sum) {
        return static_cast<int16_t>(clamp(multiply_by_quantized(sum, S::kMultiplier, S::kShift), S::kMin, S::kMax));
    }
};

// S: kCount, by which the sum is divided.
template <class S>
struct SumFloat {
    using Sum = float;
    static Sum first(float value) { return value; }
    static Sum next(Sum sum, float value) { return sum + value; }
    static float last(Sum sum) { return sum / static_cast<float>(S::kCount); }
};

template <class T>
struct Maximum {
    using Sum = T;
    static T first(T value) { return value; }
    static T next(T found, T value) { return value > found ? value : found; }
    static T last(T found) { return found; }
};

template <class T>
struct Minimum {
    using Sum = T;
    static T first(T value) { return value; }
    static T next(T found, T value) { return value < found ? value : found; }
    static T last(T found) { return found; }
};

template <class S>
using MaximumOfInt8 = Maximum<int8_t>;
template <class S>
using MaximumOfFloat = Maximum<float>;
template <class S>
using MinimumOfInt8 = Minimum<int8_t>;
template <class S>
using MinimumOfFloat = Minimum<float>;

// Reduces all elements that belong to one element of the output. S: kSize0 .. kSize2 and kStep0 .. kStep2.
template <class S, class F, class T>
inline T reduce_one(const T* in) {
    typename F::Sum sum = F::first(in[0]);
    for (int i = 0; i < S::kSize0; ++i) {
        for (int j = 0; j < S::kSize1; ++j) {
            const T* const row = in + i * S::kStep0 + j * S::kStep1;
            for (int k = i + j == 0 ? 1 : 0; k < S::kSize2; ++k) sum = F::next(sum, row[k * S::kStep2]);
        }
    }
    return F::last(sum);
}

// S: also kKeptSize0 .. kKeptSize2 and kKeptStep0 .. kKeptStep2, the dimensions of the output.
template <class S, class F, class T>
inline void reduce(const T* in, T* out) {
    for (int i = 0; i < S::kKeptSize0; ++i) {
        for (int j = 0; j < S::kKeptSize1; ++j) {
            const T* const row = in + i * S::kKeptStep0 + j * S::kKeptStep1;
            for (int k = 0; k < S::kKeptSize2; ++k) *out++ = reduce_one<S, F>(row + k * S::kKeptStep2);
        }
    }
}

}  // namespace kernels
}  // namespace eitk
