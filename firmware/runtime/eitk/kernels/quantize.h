// QUANTIZE from float to int8, DEQUANTIZE from int8 to float.
#pragma once

#include <math.h>
#include <stdint.h>

namespace eitk {
namespace kernels {

// S: kElements, scale(), kZeroPoint. Halves are rounded away from zero. NaN becomes the zero point.
template <class S>
inline void quantize(const float* in, int8_t* out) {
    for (int i = 0; i < S::kElements; ++i) {
        const float steps = roundf(in[i] / S::scale()) + static_cast<float>(S::kZeroPoint);
        const float low = steps > -128.0f ? steps : -128.0f;
        out[i] = steps != steps ? static_cast<int8_t>(S::kZeroPoint) : static_cast<int8_t>(low < 127.0f ? low : 127.0f);
    }
}

template <class S>
inline void dequantize(const int8_t* in, float* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = S::scale() * static_cast<float>(in[i] - S::kZeroPoint);
}

}  // namespace kernels
}  // namespace eitk
