// SVDF: a dense layer whose weights are products, over the last kMemory inputs. The state has their products with the
// features, which a call shifts by one.
#pragma once

#include <float.h>
#include <string.h>

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// S: kInputs, kFilters, kMemory, kUnits, kRank, the filters of a unit; kInZero; kFeatureMultiplier and kFeatureShift,
// from a sum over the inputs to the state; kStateZero; kMultiplier and kShift to the output; and the constants of
// `finish`. The state and the weights over time have 8 or 16 bits.
template <class S, class T>
inline void svdf(const int8_t* in, T* state, int8_t* out, const int8_t* features, const T* times,
                 const int32_t* biases) {
    constexpr int32_t kLowest = -(1 << (8 * sizeof(T) - 1));
    memmove(state, state + 1, sizeof(T) * (S::kFilters * S::kMemory - 1));
    for (int f = 0; f < S::kFilters; ++f, features += S::kInputs) {
        int32_t sum = 0;
        for (int i = 0; i < S::kInputs; ++i) sum += features[i] * (in[i] - S::kInZero);
        const int32_t value = multiply_by_quantized(sum, S::kFeatureMultiplier, S::kFeatureShift);
        const int32_t entry = clamp(value, kLowest - S::kStateZero, -1 - kLowest - S::kStateZero) + S::kStateZero;
        state[(f + 1) * S::kMemory - 1] = static_cast<T>(entry);
    }
    for (int u = 0; u < S::kUnits; ++u) {
        uint32_t sum = static_cast<uint32_t>(biases[u]);  // modulo 2^32, as in the reference
        for (int i = 0; i < S::kRank * S::kMemory; ++i) {
            sum += static_cast<uint32_t>(*times++ * (*state++ - S::kStateZero));
        }
        out[u] = finish<S>(multiply_by_quantized(static_cast<int32_t>(sum), S::kMultiplier, S::kShift));
    }
}

// The same on float. S: min() and max(), the range of the activation function.
template <class S>
inline void svdf_float(const float* in, float* state, float* out, const float* features, const float* times,
                       const float* biases) {
    memmove(state, state + 1, sizeof(float) * (S::kFilters * S::kMemory - 1));
    for (int f = 0; f < S::kFilters; ++f, features += S::kInputs) {
        float sum = 0.0f;
        for (int i = 0; i < S::kInputs; ++i) sum += features[i] * in[i];
        state[(f + 1) * S::kMemory - 1] = sum;
    }
    for (int u = 0; u < S::kUnits; ++u) {
        float sum = biases[u];
        for (int i = 0; i < S::kRank * S::kMemory; ++i) sum += *times++ * *state++;
        out[u] = sum < S::min() ? S::min() : (sum > S::max() ? S::max() : sum);
    }
}

}  // namespace kernels
}  // namespace eitk
