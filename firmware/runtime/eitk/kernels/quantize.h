// QUANTIZE from float to int8 or int16, and between int8 and uint8; DEQUANTIZE from int8 or int16 to float.
#pragma once

#include <math.h>
#include <stdint.h>

namespace eitk {
namespace kernels {

// S: kElements, scale(), kZeroPoint. Halves are rounded away from zero. NaN becomes the zero point.
template <class S, class T>
inline void quantize(const float* in, T* out) {
    constexpr float kLowest = sizeof(T) == 1 ? -128.0f : -32768.0f, kHighest = -kLowest - 1.0f;
    for (int i = 0; i < S::kElements; ++i) {
        const float steps = roundf(in[i] / S::scale()) + static_cast<float>(S::kZeroPoint);
        const float low = steps > kLowest ? steps : kLowest;
        out[i] = steps != steps ? static_cast<T>(S::kZeroPoint) : static_cast<T>(low < kHighest ? low : kHighest);
    }
}

template <class S, class T>
inline void dequantize(const T* in, float* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = S::scale() * static_cast<float>(in[i] - S::kZeroPoint);
}

// Converts between uint8 and int8 with zero points that differ by 128. The output may be the memory of the input.
template <class S, class In, class Out>
inline void change_sign(const In* in, Out* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = static_cast<Out>(in[i] ^ 0x80);
}

}  // namespace kernels
}  // namespace eitk
