// FULLY_CONNECTED on int8, four inputs and four outputs at a time, and CONV_2D whose output is one pixel.
//
// As in block_product.h, the weights of two outputs a and b for one input are stored as one int16, a + 256 b, so that
// one of two unpackings goes: the sum of the products is A + 256 B. B may have 24 bits, which the sum of 512 inputs
// cannot exceed.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

// Sums of outputs a, b, c and d; `ab` is A + 256 B.
struct DenseSums {
    int32_t a, ab, c, cd;
};

// Adds the products of four inputs, which are the bytes of a word. The words of weights are those of a and b for the
// inputs 0 and 2, c and d for 0 and 2, a and b for 1 and 3, c and d for 1 and 3; without c and d if kTwo.
template <bool kTwo>
inline const uint32_t* dense_step(uint32_t inputs, const uint32_t* weights, DenseSums& s) {
    const uint32_t even = bytes_02(inputs), odd = bytes_13(inputs);
    const uint32_t* const next = weights + (kTwo ? 1 : 2);
    s.ab = dual_mac(odd, next[0], dual_mac(even, weights[0], s.ab));
    s.a = dual_mac(odd, bytes_02(next[0]), dual_mac(even, bytes_02(weights[0]), s.a));
    if (!kTwo) {
        s.cd = dual_mac(odd, next[1], dual_mac(even, weights[1], s.cd));
        s.c = dual_mac(odd, bytes_02(next[1]), dual_mac(even, bytes_02(weights[1]), s.c));
    }
    return weights + (kTwo ? 2 : 4);
}

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables): the assembler writes to these variables

// Sixteen multiplications in sixteen instructions. Not inlined: GCC does not know the size of the repeated
// instructions, and would choose branches that do not reach over them.
template <int kUnrolled>
__attribute__((noinline)) const uint32_t* dense_loop(const int8_t* x, const uint32_t* w, int words, DenseSums& s) {
    const int8_t* const end = x + 4 * words;
    uint32_t even, odd;
    __asm__ volatile(
        "1:\n\t"
        ".rept %c[unrolled]\n\t"
        "ldr %[odd], [%[x]], #4\n\t"
        "ldmia %[w]!, {r4, r5, r6, r8}\n\t"
        "sxtb16 %[even], %[odd]\n\t"
        "sxtb16 %[odd], %[odd], ror #8\n\t"
        "smlad %[ab], %[even], r4, %[ab]\n\t"
        "sxtb16 r4, r4\n\t"
        "smlad %[cd], %[even], r5, %[cd]\n\t"
        "sxtb16 r5, r5\n\t"
        "smlad %[ab], %[odd], r6, %[ab]\n\t"
        "sxtb16 r6, r6\n\t"
        "smlad %[cd], %[odd], r8, %[cd]\n\t"
        "sxtb16 r8, r8\n\t"
        "smlad %[a], %[even], r4, %[a]\n\t"
        "smlad %[c], %[even], r5, %[c]\n\t"
        "smlad %[a], %[odd], r6, %[a]\n\t"
        "smlad %[c], %[odd], r8, %[c]\n\t"
        ".endr\n\t"
        "cmp %[x], %[end]\n\t"
        "bne 1b\n\t"
        : [a] "+r"(s.a), [ab] "+r"(s.ab), [c] "+r"(s.c), [cd] "+r"(s.cd), [x] "+r"(x), [w] "+r"(w), [even] "=&r"(even),
          [odd] "=&r"(odd)
        : [end] "r"(end), [unrolled] "i"(kUnrolled)
        : "r4", "r5", "r6", "r8", "memory", "cc");
    return w;
}

// The same for two outputs: eight multiplications in ten instructions.
template <int kUnrolled>
__attribute__((noinline)) const uint32_t* dense_loop_of_two(const int8_t* x, const uint32_t* w, int words,
                                                            DenseSums& s) {
    const int8_t* const end = x + 4 * words;
    uint32_t even, odd;
    __asm__ volatile(
        "1:\n\t"
        ".rept %c[unrolled]\n\t"
        "ldr %[odd], [%[x]], #4\n\t"
        "ldrd r4, r5, [%[w]], #8\n\t"
        "sxtb16 %[even], %[odd]\n\t"
        "sxtb16 %[odd], %[odd], ror #8\n\t"
        "smlad %[ab], %[even], r4, %[ab]\n\t"
        "sxtb16 r4, r4\n\t"
        "smlad %[ab], %[odd], r5, %[ab]\n\t"
        "sxtb16 r5, r5\n\t"
        "smlad %[a], %[even], r4, %[a]\n\t"
        "smlad %[a], %[odd], r5, %[a]\n\t"
        ".endr\n\t"
        "cmp %[x], %[end]\n\t"
        "bne 1b\n\t"
        : [a] "+r"(s.a), [ab] "+r"(s.ab), [x] "+r"(x), [w] "+r"(w), [even] "=&r"(even), [odd] "=&r"(odd)
        : [end] "r"(end), [unrolled] "i"(kUnrolled)
        : "r4", "r5", "memory", "cc");
    return w;
}

// NOLINTEND(cppcoreguidelines-init-variables)
#else

template <int kUnrolled>
inline const uint32_t* dense_loop(const int8_t* x, const uint32_t* w, int words, DenseSums& s) {
    for (int i = 0; i < words; ++i) w = dense_step<false>(load_word(x + 4 * i), w, s);
    return w;
}

template <int kUnrolled>
inline const uint32_t* dense_loop_of_two(const int8_t* x, const uint32_t* w, int words, DenseSums& s) {
    for (int i = 0; i < words; ++i) w = dense_step<true>(load_word(x + 4 * i), w, s);
    return w;
}

#endif

// Adds the products of kInputs inputs, at most 512, for four outputs, or for two.
template <int kInputs, bool kTwo>
inline const uint32_t* dense_sums(const int8_t* x, const uint32_t* w, DenseSums& s) {
    constexpr int kWords = kInputs / 4, kLeft = kInputs % 4;
    constexpr int kUnrolled = kWords % 4 == 0 ? 4 : kWords % 5 == 0 ? 5 : kWords % 3 == 0 ? 3 : kWords % 2 == 0 ? 2 : 1;
    if (kWords > 0) w = kTwo ? dense_loop_of_two<kUnrolled>(x, w, kWords, s) : dense_loop<kUnrolled>(x, w, kWords, s);
    if (kLeft > 0) {
        uint32_t last = 0;
        memcpy(&last, x + 4 * kWords, kLeft);
        w = dense_step<kTwo>(last, w, s);
    }
    return w;
}

// The sum B from A + 256 B, both modulo 2^32.
inline int32_t second_sum(int32_t a_and_256b, int32_t a) {
    return static_cast<int32_t>(static_cast<uint32_t>(a_and_256b) - static_cast<uint32_t>(a)) >> 8;
}

// How many inputs are summed at a time: at most 512, and the same number each time if that is possible in rounds of the
// loop over four words.
constexpr int inputs_at_a_time(int inputs) {
    constexpr int kMost = 512, kRound = 16;
    if (inputs <= kMost) return inputs;
    for (int parts = (inputs + kMost - 1) / kMost; parts <= inputs / (kMost / 2); ++parts) {
        if (inputs % (kRound * parts) == 0) return inputs / parts;
    }
    return kMost;
}

// Adds the products of kInputs inputs to `sums`, the sums of four outputs or of two.
template <int kInputs, bool kTwo>
inline const uint32_t* add_packed(const int8_t* x, const uint32_t* w, int32_t* sums) {
    constexpr int kPart = inputs_at_a_time(kInputs), kRest = kInputs % kPart;
    for (int i = 0; i < kInputs; i += kPart) {
        DenseSums s = {0, 0, 0, 0};
        w = kRest == 0 || i + kPart <= kInputs ? dense_sums<kPart, kTwo>(x + i, w, s)
                                               : dense_sums<kRest, kTwo>(x + i, w, s);
        sums[0] += s.a;
        sums[1] += second_sum(s.ab, s.a);
        if (kTwo) continue;
        sums[2] += s.c;
        sums[3] += second_sum(s.cd, s.c);
    }
    return w;
}

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

// S: the constants of `finish`; kFast; kRoundsTwice, for a convolution of one pixel. If kFast, the shift of the channel
// is the argument `right` of `requantize_fast`, and the conditions of that function are met if kRoundsTwice. Otherwise,
// the output is rounded once, halves upwards; kFast is whether 1 <= right <= 19 for every output.
template <class S>
inline int8_t dense_output(int32_t sum, const Channel& channel) {
    const int32_t multiplier = channel.multiplier, shift = channel.shift;
    if (S::kRoundsTwice) {
        return S::kFast ? requantize_fast<S>(sum, multiplier, shift) : requantize<S>(sum, multiplier, shift);
    }
    if (!S::kFast) return finish<S>(multiply_rounding_once(sum, multiplier, shift));
    const int32_t rounding = (2 * S::kOutputZeroPoint + 1) * (1 << (shift - 1));
    return activated<S>(saturate_int8(high_mul_add(sum, multiplier, rounding) >> shift));
}

// The outputs of a layer in groups: four as long as there are four, then two, then one. Where the weights do not fit
// the packed form, each output is a group. The words of a group are followed by those of the next; a group of one has
// one int8 for each input. S: kPacked, kInputs, kOutputs.
template <class S>
struct DenseGroups {
    static constexpr int kFours = S::kPacked ? S::kOutputs / 4 : 0;
    static constexpr bool kTwo = S::kPacked && S::kOutputs % 4 >= 2;
    static constexpr int kSingle = 4 * kFours + (kTwo ? 2 : 0);
    static constexpr int kWords = (S::kInputs + 3) / 4;

    // Adds the products of kCount inputs from input `first` on, a multiple of four.
    template <int kCount>
    static void add(const int8_t* x, int first, const uint32_t* weights, int32_t* sums) {
        int o = 0;
        for (; o < 4 * kFours; o += 4, weights += 4 * kWords) add_packed<kCount, false>(x, weights + first, sums + o);
        if (kTwo) {
            add_packed<kCount, true>(x, weights + first / 2, sums + o);
            o += 2;
            weights += 2 * kWords;
        }
        for (; o < S::kOutputs; ++o, weights += kWords) {
            sums[o] = dot(x, reinterpret_cast<const int8_t*>(weights) + first, kCount, sums[o]);
        }
    }
};

// S: kBatches, kInputs, kOutputs and the constants of DenseGroups and `dense_output`.
template <class S>
inline void fully_connected(const int8_t* in, int8_t* out, const uint32_t* weights, const Channel* channels) {
    using Groups = DenseGroups<S>;
    for (int batch = 0; batch < S::kBatches; ++batch, in += S::kInputs, out += S::kOutputs) {
        const uint32_t* w = weights;
        int o = 0;
        for (; o < 4 * Groups::kFours; o += 4) {
            int32_t sums[4] = {channels[o].bias, channels[o + 1].bias, channels[o + 2].bias, channels[o + 3].bias};
            w = add_packed<S::kInputs, false>(in, w, sums);
            for (int i = 0; i < 4; ++i) out[o + i] = dense_output<S>(sums[i], channels[o + i]);
        }
        if (Groups::kTwo) {
            int32_t sums[2] = {channels[o].bias, channels[o + 1].bias};
            w = add_packed<S::kInputs, true>(in, w, sums);
            for (int i = 0; i < 2; ++i) out[o + i] = dense_output<S>(sums[i], channels[o + i]);
        }
        for (o = Groups::kSingle; o < S::kOutputs; ++o, w += Groups::kWords) {
            const int32_t sum = dot(in, reinterpret_cast<const int8_t*>(w), S::kInputs, channels[o].bias);
            out[o] = dense_output<S>(sum, channels[o]);
        }
    }
}

// The same for an input that a source returns as kRows rows of kRowElements. `sums` has room for one number per output.
template <class S, int kRows, int kRowElements, class Source>
inline void fully_connected_rows(Source& source, int32_t* sums, int8_t* out, const uint32_t* weights,
                                 const Channel* channels) {
    for (int o = 0; o < S::kOutputs; ++o) sums[o] = channels[o].bias;
    for (int row = 0; row < kRows; ++row) {
        DenseGroups<S>::template add<kRowElements>(source.next(), row * kRowElements, weights, sums);
    }
    for (int o = 0; o < S::kOutputs; ++o) out[o] = dense_output<S>(sums[o], channels[o]);
}

}  // namespace kernels
}  // namespace eitk
