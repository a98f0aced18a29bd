// UNIDIRECTIONAL_SEQUENCE_LSTM on float.
#pragma once

#include <float.h>
#include <math.h>

namespace eitk {
namespace kernels {

inline float logistic_of(float x) { return 1.0f / (1.0f + expf(-x)); }

// S: kSteps, kInputs, kCells; clip(), the largest value of the cell state. Tables: for each gate (input, forget, cell,
// output) and cell the weights of the inputs, the weights of the hidden state, and the bias. `hidden` and `cell` keep
// their values from call to call. `gates` has 4 * kCells elements.
template <class S>
inline void lstm_float(const float* in, float* hidden, float* cell, float* gates, float* out,
                       const float* input_weights, const float* hidden_weights, const float* biases) {
    for (int step = 0; step < S::kSteps; ++step, in += S::kInputs, out += S::kCells) {
        for (int i = 0; i < 4 * S::kCells; ++i) {
            float sum = biases[i];
            for (int k = 0; k < S::kInputs; ++k) sum += in[k] * input_weights[i * S::kInputs + k];
            for (int k = 0; k < S::kCells; ++k) sum += hidden[k] * hidden_weights[i * S::kCells + k];
            gates[i] = i / S::kCells == 2 ? tanhf(sum) : logistic_of(sum);
        }
        for (int i = 0; i < S::kCells; ++i) {
            const float state = gates[S::kCells + i] * cell[i] + gates[i] * gates[2 * S::kCells + i];
            cell[i] = fmaxf(-S::clip(), fminf(S::clip(), state));
            hidden[i] = gates[3 * S::kCells + i] * tanhf(cell[i]);
            out[i] = hidden[i];
        }
    }
}

}  // namespace kernels
}  // namespace eitk
