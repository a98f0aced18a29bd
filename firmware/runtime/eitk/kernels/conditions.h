// Comparisons, whose results are 0 or 1, and a choice between two tensors.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

struct Less {
    template <class T>
    static bool holds(T a, T b) {
        return a < b;
    }
};
struct LessEqual {
    template <class T>
    static bool holds(T a, T b) {
        return a <= b;
    }
};
struct Greater {
    template <class T>
    static bool holds(T a, T b) {
        return a > b;
    }
};
struct GreaterEqual {
    template <class T>
    static bool holds(T a, T b) {
        return a >= b;
    }
};
struct Equal {
    template <class T>
    static bool holds(T a, T b) {
        return a == b;
    }
};
struct NotEqual {
    template <class T>
    static bool holds(T a, T b) {
        return a != b;
    }
};

// S: kZeroA, kMultiplierA and kShiftA, which bring the first input, multiplied by 2^8, to real numbers; the same for B.
template <class S, class Order>
struct CompareInt8 {
    static uint8_t apply(int8_t a, int8_t b) {
        const int32_t of_a = multiply_by_quantized((a - S::kZeroA) * (1 << 8), S::kMultiplierA, S::kShiftA);
        const int32_t of_b = multiply_by_quantized((b - S::kZeroB) * (1 << 8), S::kMultiplierB, S::kShiftB);
        return Order::holds(of_a, of_b) ? 1 : 0;
    }
};

template <class S, class Order>
struct CompareFloat {
    static uint8_t apply(float a, float b) { return Order::holds(a, b) ? 1 : 0; }
};

// S: kElements; kConditionStride, kFirstStride and kSecondStride, 0 for an input of one element, else 1.
template <class S, class T>
inline void select(const uint8_t* condition, const T* first, const T* second, T* out) {
    for (int i = 0; i < S::kElements; ++i) {
        out[i] = condition[i * S::kConditionStride] ? first[i * S::kFirstStride] : second[i * S::kSecondStride];
    }
}

}  // namespace kernels
}  // namespace eitk
