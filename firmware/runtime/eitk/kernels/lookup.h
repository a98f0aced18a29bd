// Functions of one int8 value (LOGISTIC, RELU, QUANTIZE to another scale) as a table of 256 results.
#pragma once

#include <stdint.h>

namespace eitk {
namespace kernels {

// The output may be the memory of the input.
template <class S>
inline void lookup(const int8_t* in, int8_t* out, const int8_t* table) {
    for (int i = 0; i < S::kElements; ++i) out[i] = table[in[i] + 128];
}

}  // namespace kernels
}  // namespace eitk
