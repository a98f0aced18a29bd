// FULLY_CONNECTED on int8, four inputs at a time.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// Returns `sum` plus the products of `count` inputs and weights.
inline int32_t dot(const int8_t* x, const int8_t* w, int count, int32_t sum) {
    int i = 0;
#pragma GCC unroll 4
    for (; i + 4 <= count; i += 4) {
        const uint32_t xs = load_word(x + i), ws = load_word(w + i);
        sum = dual_mac(bytes_02(xs), bytes_02(ws), sum);
        sum = dual_mac(bytes_13(xs), bytes_13(ws), sum);
    }
    for (; i < count; ++i) sum += x[i] * w[i];
    return sum;
}

template <class S>
inline int8_t dense_output(int32_t sum, const Channel& channel) {
    return finish<S>(multiply_rounding_once(sum, channel.multiplier, channel.shift));
}

// S: kBatches, kInputs, kOutputs and the constants of `finish`. Order of the weights: output, input.
template <class S>
inline void fully_connected(const int8_t* in, int8_t* out, const int8_t* weights, const Channel* channels) {
    for (int batch = 0; batch < S::kBatches; ++batch, in += S::kInputs) {
        for (int o = 0; o < S::kOutputs; ++o) {
            const int32_t sum = dot(in, weights + o * S::kInputs, S::kInputs, channels[o].bias);
            *out++ = dense_output<S>(sum, channels[o]);
        }
    }
}

// The same for an input that a source returns as kRows rows of kRowElements. `sums` has room for one number per output.
template <class S, int kRows, int kRowElements, class Source>
inline void fully_connected_rows(Source& source, int32_t* sums, int8_t* out, const int8_t* weights,
                                 const Channel* channels) {
    for (int o = 0; o < S::kOutputs; ++o) sums[o] = channels[o].bias;
    for (int row = 0; row < kRows; ++row, weights += kRowElements) {
        const int8_t* x = source.next();
        for (int o = 0; o < S::kOutputs; ++o) sums[o] = dot(x, weights + o * S::kInputs, kRowElements, sums[o]);
    }
    for (int o = 0; o < S::kOutputs; ++o) out[o] = dense_output<S>(sums[o], channels[o]);
}

}  // namespace kernels
}  // namespace eitk
