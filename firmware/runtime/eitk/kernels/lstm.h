// UNIDIRECTIONAL_SEQUENCE_LSTM on int8 with a 16-bit cell state, in the 16-bit arithmetic of gemmlowp.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

inline int32_t clamp_int16(int32_t value) { return clamp(value, -32768, 32767); }
inline int32_t wrap_int16(int32_t value) { return static_cast<int16_t>(value); }

// round(a * b / 2^15) for int16 values.
inline int32_t high_mul_int16(int32_t a, int32_t b) {
    if (a == -32768 && b == -32768) return 32767;
    const int32_t product = a * b;
    return (product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15);
}

// exp(a) for a in [-1/4, 0), by the Taylor series around -1/8; numbers have 15 fractional bits.
inline int32_t exp_near_zero_int16(int32_t a) {
    constexpr int32_t kExpOfMinusEighth = 28918, kThird = 10923;
    const int32_t x = wrap_int16(a + (1 << 12));
    const int32_t x2 = high_mul_int16(x, x);
    const int32_t x3 = high_mul_int16(x2, x);
    const int32_t x4 = high_mul_int16(x2, x2);
    const int32_t third = high_mul_int16(wrap_int16(rounding_divide_by_power_of_two(x4, 2) + x3), kThird);
    const int32_t tail = rounding_divide_by_power_of_two(wrap_int16(third + x2), 1);
    return clamp_int16(kExpOfMinusEighth + high_mul_int16(kExpOfMinusEighth, wrap_int16(x + tail)));
}

// exp(a) for a <= 0 with kIntegerBits integer bits; the result has 15 fractional bits.
template <int kIntegerBits>
inline int32_t exp_of_negative_int16(int32_t a) {
    constexpr int kFractionBits = 15 - kIntegerBits;
    constexpr int32_t kQuarter = 1 << (kFractionBits - 2);
    constexpr int kPowers = kIntegerBits < 5 ? kIntegerBits : 5;
    constexpr int32_t kFactors[] = {25520, 19875, 12055, 4435, 600, 11, 0};  // exp(-2^k), k = -2 .. 4
    if (a == 0) return 32767;
    if (kIntegerBits > 5 && a < -(1 << (20 - kIntegerBits))) return 0;
    const int32_t part = (a & (kQuarter - 1)) - kQuarter;
    const int32_t below = wrap_int16(part - a);
    int32_t result = exp_near_zero_int16(clamp_int16(part * (1 << kIntegerBits)));
    for (int k = -2; k < kPowers; ++k) {
        if (below & (1 << (kFractionBits + k))) result = high_mul_int16(result, kFactors[k + 2]);
    }
    return result;
}

// 1 / (1 + a) in [1/2, 1] with 13 fractional bits, times two, for a in [0, 1], by three Newton steps.
inline int32_t half_reciprocal_int16(int32_t a) {
    const int32_t sum = a + 32767;
    const int32_t half = (sum + (sum >= 0 ? 1 : -1)) / 2;
    int32_t x = wrap_int16(23130 + high_mul_int16(half, -15420));  // 48/17 - 32/17 half
    for (int i = 0; i < 3; ++i) {
        const int32_t rest = wrap_int16(8192 - high_mul_int16(half, x));
        x = wrap_int16(x + clamp_int16(high_mul_int16(x, rest) * 4));
    }
    return x;
}

// 1 / (1 + exp(-a)) of a value with three integer bits; the result has 15 fractional bits.
inline int32_t logistic_int16(int32_t a) {
    if (a == 0) return 16384;
    const int32_t exponential = exp_of_negative_int16<3>(a > 0 ? -a : a);
    const int32_t positive = clamp_int16(half_reciprocal_int16(exponential) * 2);
    return a > 0 ? positive : wrap_int16(32767 - positive);
}

// tanh of a value with kIntegerBits integer bits; the result has 15 fractional bits.
template <int kIntegerBits>
inline int32_t tanh_int16(int32_t a) {
    if (a == 0) return 0;
    const int32_t exponential = exp_of_negative_int16<kIntegerBits + 1>(a > 0 ? -a : a);
    const int32_t positive = clamp_int16(wrap_int16(half_reciprocal_int16(exponential) - 8192) * 4);
    return a > 0 ? positive : wrap_int16(-positive);
}

// The scales of one gate: of the product with the input and of the product with the hidden state.
struct LstmGate {
    int32_t input_multiplier, input_shift;
    int32_t hidden_multiplier, hidden_shift;
};

template <int kCount>
inline int32_t lstm_sum(const int8_t* values, const int8_t* weights, int32_t bias) {
    for (int i = 0; i < kCount; ++i) bias += values[i] * weights[i];
    return bias;
}

// S: kSteps, kInputs, kCells; kCellBits, the integer bits of the cell state; kProductShift, of input times cell gate;
// kCellClip, 0 for none; kMultiplier and kShift, from the product of output gate and tanh to the hidden state; the
// constants of `finish`. Tables: for each gate (input, forget, cell, output) and cell the weights of the inputs, the
// weights of the hidden state, and both biases. `hidden` and `cell` keep their values from call to call. `gates` has
// 4 * kCells elements.
template <class S>
inline void lstm(const int8_t* in, int8_t* hidden, int16_t* cell, int16_t* gates, int8_t* out, const LstmGate* scales,
                 const int8_t* input_weights, const int8_t* hidden_weights, const int32_t* biases) {
    for (int step = 0; step < S::kSteps; ++step, in += S::kInputs, out += S::kCells) {
        for (int i = 0; i < 4 * S::kCells; ++i) {
            const LstmGate& scale = scales[i / S::kCells];
            const int32_t of_input =
                multiply_by_quantized(lstm_sum<S::kInputs>(in, input_weights + i * S::kInputs, biases[2 * i]),
                                      scale.input_multiplier, scale.input_shift);
            const int32_t of_hidden =
                multiply_by_quantized(lstm_sum<S::kCells>(hidden, hidden_weights + i * S::kCells, biases[2 * i + 1]),
                                      scale.hidden_multiplier, scale.hidden_shift);
            const int32_t sum = clamp_int16(of_hidden + clamp_int16(of_input));
            gates[i] = static_cast<int16_t>(i / S::kCells == 2 ? tanh_int16<3>(sum) : logistic_int16(sum));
        }
        for (int i = 0; i < S::kCells; ++i) {
            const int32_t kept = rounding_divide_by_power_of_two(gates[S::kCells + i] * cell[i], 15);
            const int32_t added =
                rounding_divide_by_power_of_two(gates[i] * gates[2 * S::kCells + i], S::kProductShift);
            int32_t state = clamp_int16(wrap_int16(kept) + wrap_int16(added));
            if (S::kCellClip > 0) state = clamp(state, -S::kCellClip, S::kCellClip);
            cell[i] = static_cast<int16_t>(state);
            const int32_t product = gates[3 * S::kCells + i] * tanh_int16<S::kCellBits>(state);
            hidden[i] = finish<S>(multiply_by_quantized(product, S::kMultiplier, S::kShift));
            out[i] = hidden[i];
        }
    }
}

}  // namespace kernels
}  // namespace eitk
