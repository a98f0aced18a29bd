// ARG_MAX, ARG_MIN and GATHER: operators that compute or use an index; and CAST.
#pragma once

#include <stdint.h>
#include <string.h>

namespace eitk {
namespace kernels {

// The index of the first largest or smallest element of each of kOuter x kInner rows, whose elements are kInner apart.
template <int kOuter, int kSize, int kInner, bool kLargest, class T, class Index>
inline void arg_extreme(const T* in, Index* out) {
    for (int i = 0; i < kOuter; ++i, in += kSize * kInner) {
        for (int j = 0; j < kInner; ++j) {
            int found = 0;
            for (int n = 1; n < kSize; ++n) {
                const T value = in[n * kInner + j], best = in[found * kInner + j];
                if (kLargest ? value > best : value < best) found = n;
            }
            *out++ = static_cast<Index>(found);
        }
    }
}

// Copies the entries with the given indices, each of kInner elements. An index that does not exist is the nearest one.
template <int kOuter, int kEntries, int kInner, int kCount, class T, class Index>
inline void gather(const T* in, const Index* indices, T* out) {
    for (int i = 0; i < kOuter; ++i, in += kEntries * kInner) {
        for (int n = 0; n < kCount; ++n, out += kInner) {
            const Index index = indices[n] < 0 ? 0 : (indices[n] < kEntries ? indices[n] : kEntries - 1);
            memcpy(out, in + index * kInner, sizeof(T) * kInner);
        }
    }
}

// Converts numbers of one type to another; a fraction is cut off.
template <int kElements, class In, class Out>
inline void cast(const In* in, Out* out) {
    for (int i = 0; i < kElements; ++i) out[i] = static_cast<Out>(in[i]);
}

// The same from float to an integer type; NaN becomes 0, and a number beyond the type the nearest one.
template <int kElements, class Out>
inline void cast_float(const float* in, Out* out, Out lowest, Out highest) {
    for (int i = 0; i < kElements; ++i) {
        const float value = in[i];
        if (value != value) {
            out[i] = 0;
        } else if (value <= static_cast<float>(lowest)) {
            out[i] = lowest;
        } else {
            out[i] = value >= static_cast<float>(highest) ? highest : static_cast<Out>(value);
        }
    }
}

}  // namespace kernels
}  // namespace eitk
