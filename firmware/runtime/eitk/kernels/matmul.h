// BATCH_MATMUL: products of pairs of matrices.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// S: kZeroA, kZeroB, kMultiplier, kShift and the constants of `finish`. The sum is rounded twice.
template <class S>
struct MatmulInt8 {
    using Data = int8_t;
    using Sum = int32_t;
    static Sum product(int8_t a, int8_t b) { return (a - S::kZeroA) * (b - S::kZeroB); }
    static int8_t last(Sum sum) { return finish<S>(multiply_by_quantized(sum, S::kMultiplier, S::kShift)); }
};

template <class S>
struct MatmulFloat {
    using Data = float;
    using Sum = float;
    static Sum product(float a, float b) { return a * b; }
    static float last(Sum sum) { return sum; }
};

// S: kRows, kCols, kDepth; kRowA, kDepthA, kColB and kDepthB, the elements between two adjacent ones.
template <class S, class F>
inline void matmul(const typename F::Data* a, const typename F::Data* b, typename F::Data* out) {
    for (int row = 0; row < S::kRows; ++row) {
        for (int col = 0; col < S::kCols; ++col) {
            typename F::Sum sum = 0;
            for (int i = 0; i < S::kDepth; ++i) {
                sum += F::product(a[row * S::kRowA + i * S::kDepthA], b[col * S::kColB + i * S::kDepthB]);
            }
            *out++ = F::last(sum);
        }
    }
}

// S: also kBatch0 .. kBatch2, the matrices, and the elements between them, kBatchA0 .. kBatchB2, 0 for one matrix.
template <class S, class F>
inline void batch_matmul(const typename F::Data* a, const typename F::Data* b, typename F::Data* out) {
    for (int i = 0; i < S::kBatch0; ++i) {
        for (int j = 0; j < S::kBatch1; ++j) {
            for (int k = 0; k < S::kBatch2; ++k, out += S::kRows * S::kCols) {
                matmul<S, F>(a + i * S::kBatchA0 + j * S::kBatchA1 + k * S::kBatchA2,
                             b + i * S::kBatchB0 + j * S::kBatchB1 + k * S::kBatchB2, out);
            }
        }
    }
}

}  // namespace kernels
}  // namespace eitk
