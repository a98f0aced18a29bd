// RELU and LOGISTIC on float. The output may be the memory of the input.
#pragma once

#include <float.h>
#include <math.h>

namespace eitk {
namespace kernels {

template <class S>
inline void clamp_all(const float* in, float* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = in[i] < S::min() ? S::min() : (in[i] > S::max() ? S::max() : in[i]);
}

template <class S>
inline void logistic_all(const float* in, float* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = 1.0f / (1.0f + expf(-in[i]));
}

}  // namespace kernels
}  // namespace eitk
