// CONCATENATION and PAD: kernels that copy and fill memory.
#pragma once

#include "eitk/kernels/simd.h"

namespace eitk {
namespace kernels {

// Copies `kCount` blocks of `kElements` elements. In the output they start `kStride` elements apart.
template <int kCount, int kElements, int kStride, class T>
inline void copy_blocks(const T* in, T* out) {
    for (int i = 0; i < kCount; ++i)
        move_down<sizeof(T) == 4>(out + i * kStride, in + i * kElements, sizeof(T) * kElements);
}

// S: kSize0 .. kSize3, the shape of the input; kBefore0 .. kBefore3 and kAfter0 .. kAfter3, the elements that are added
// in each dimension.
template <class S, class T>
inline void pad(const T* in, T* out, T value) {
    constexpr int kRow = S::kBefore3 + S::kSize3 + S::kAfter3;
    for (int i = -S::kBefore0; i < S::kSize0 + S::kAfter0; ++i) {
        for (int j = -S::kBefore1; j < S::kSize1 + S::kAfter1; ++j) {
            for (int k = -S::kBefore2; k < S::kSize2 + S::kAfter2; ++k, out += kRow) {
                for (int n = 0; n < kRow; ++n) out[n] = value;
                const bool inside = i >= 0 && i < S::kSize0 && j >= 0 && j < S::kSize1 && k >= 0 && k < S::kSize2;
                if (!inside) continue;
                move_down<sizeof(T) == 4>(out + S::kBefore3, in, sizeof(T) * S::kSize3);
                in += S::kSize3;
            }
        }
    }
}

}  // namespace kernels
}  // namespace eitk
