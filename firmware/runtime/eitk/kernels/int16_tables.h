// SOFTMAX, LOGISTIC and TANH on int16: tables with an interpolation between their values.
#pragma once

#include "eitk/kernels/softmax.h"

namespace eitk {
namespace kernels {

// The value of a function that has 513 values for the inputs -32768, -32640, ... 32768.
inline int16_t interpolated(int32_t value, const int16_t* table) {
    const int16_t* const at = table + 256 + (value >> 7);
    const int slope = static_cast<int16_t>(at[1] - at[0]);
    return static_cast<int16_t>(at[0] + ((slope * (value & 0x7f) + 64) >> 7));
}

// S: kRows, kClasses; kMultiplier and kShift, the scale from a difference of inputs to units of 10 / 65535. The tables
// have exp(x) for x in [-10, 0] and 1 / (1 + x) for x in [0, 1]. The output may be the memory of the input.
template <class S>
inline void softmax_int16(const int16_t* in, int16_t* out, const int16_t* exponentials, const int16_t* reciprocals) {
    for (int row = 0; row < S::kRows; ++row, in += S::kClasses, out += S::kClasses) {
        int32_t largest = in[0], sum = 0;
        for (int i = 1; i < S::kClasses; ++i) largest = in[i] > largest ? in[i] : largest;
        for (int i = 0; i < S::kClasses; ++i) {
            const int32_t scaled = multiply_by_quantized(in[i] - largest, S::kMultiplier, S::kShift);
            out[i] = interpolated(clamp(scaled + 32767, -32768, 32767), exponentials);
            sum += out[i];
        }
        const int zeros = leading_zeros(static_cast<uint32_t>(sum));
        const int64_t fraction = ((static_cast<int64_t>(sum) << (zeros - 1)) + (1 << 13)) >> 14;
        const int32_t offset = static_cast<int32_t>(fraction) - (1 << 15) - (1 << 16);
        const int64_t scale = interpolated(clamp(offset, -32768, 32767), reciprocals);
        const int shift = 31 - zeros;
        for (int i = 0; i < S::kClasses; ++i) {
            const int64_t share = (out[i] * scale + (INT64_C(1) << (shift - 1))) >> shift;
            out[i] = static_cast<int16_t>(clamp(static_cast<int32_t>(share), 0, 32767));
        }
    }
}

// S: kElements; kMultiplier and kShift, the scale to units of 1 / 12288. The table has 1 / (1 + exp(-x / 24)) for x
// from 0 to 255, times 65536. The output may be the memory of the input.
template <class S>
struct TableInput {
    static int32_t apply(int16_t value) {
        return (value * S::kMultiplier + (S::kShift > 0 ? 1 << (S::kShift > 0 ? S::kShift - 1 : 0) : 0)) >> S::kShift;
    }
};

template <class S>
inline void logistic_int16(const int16_t* in, int16_t* out, const uint16_t* table) {
    for (int i = 0; i < S::kElements; ++i) {
        const int32_t x = TableInput<S>::apply(in[i]);
        const uint32_t distance = static_cast<uint32_t>(x < 0 ? -x : x), at = distance >> 9;
        uint32_t value = 0x7FFF << 10;
        if (at < 255)
            value = (static_cast<uint32_t>(table[at]) << 9) + (distance & 0x1FF) * (table[at + 1] - table[at]);
        value = x >= 0 ? value + (1 << 9) : (1u << 25) - value + (1 << 9) - 1;
        out[i] = static_cast<int16_t>(value >> 10);
    }
}

// tanh(x) = 2 / (1 + exp(-2 x)) - 1.
template <class S>
inline void tanh_int16(const int16_t* in, int16_t* out, const uint16_t* table) {
    for (int i = 0; i < S::kElements; ++i) {
        const int32_t x = TableInput<S>::apply(in[i]);
        const uint32_t distance = static_cast<uint32_t>(x < 0 ? -x : x), at = distance >> 8;
        int32_t value = 0xFFFF << 8;
        if (at < 255) value = (table[at] << 8) + static_cast<int32_t>(distance & 0xFF) * (table[at + 1] - table[at]);
        value = x >= 0 ? value - (1 << 23) + (1 << 7) : -value + (1 << 23) + (1 << 7) - 1;
        out[i] = static_cast<int16_t>(value >> 8);
    }
}

}  // namespace kernels
}  // namespace eitk
