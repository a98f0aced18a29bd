// Slices, splits, transpositions and repetitions: each element of the output is a copy of one of the input.
#pragma once

#include "eitk/kernels/simd.h"

namespace eitk {
namespace kernels {

// Copies `kCount` elements that are `kStep` elements apart.
template <int kCount, int kStep, class T>
inline void copy_run(const T* in, T* out) {
    if (kStep == 1) {
        move_down<sizeof(T) == 4>(out, in, sizeof(T) * kCount);
    } else {
        for (int i = 0; i < kCount; ++i) out[i] = in[i * kStep];
    }
}

// S: kBegin, the first element; kSize0 .. kSize5, the shape of the output; kStep0 .. kStep5, the elements of the input
// between two adjacent ones in each dimension.
template <class S, class T>
inline void move(const T* in, T* out) {
    const T* const first = in + S::kBegin;
    for (int i = 0; i < S::kSize0; ++i) {
        for (int j = 0; j < S::kSize1; ++j) {
            for (int k = 0; k < S::kSize2; ++k) {
                for (int l = 0; l < S::kSize3; ++l) {
                    for (int m = 0; m < S::kSize4; ++m, out += S::kSize5) {
                        const int at = i * S::kStep0 + j * S::kStep1 + k * S::kStep2 + l * S::kStep3 + m * S::kStep4;
                        copy_run<S::kSize5, S::kStep5>(first + at, out);
                    }
                }
            }
        }
    }
}

}  // namespace kernels
}  // namespace eitk
