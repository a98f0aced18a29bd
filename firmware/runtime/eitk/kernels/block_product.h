// Four pixels times all output channels of a convolution on int8: the inner loop of CONV_2D.
//
// The inputs of the four pixels are widened to int16 and interleaved: the first pair of inputs of each pixel, the
// second pair of each pixel, and so on. Where two of the pixels are below the other two and read most of their rows,
// each row is stored once: the pairs of its left and right pixel, one after the other. Two output channels a and b are
// computed at a time. Their weights for one input are stored as one int16, a + 256 b, which is used as it is: the sum
// of its products is A + 256 B. Only a is unpacked (SXTB16 reads the low bytes), which gives A, and B follows from the
// difference. So four pairs of inputs times two channels take twelve instructions, two of which load weights. Weights
// that are stored as int16 take eleven.
//
// The table of a layer has for each pair of channels: the initial sums that belong to the weights of b and of a, the
// weights of each pair of inputs, and multiplier and scale of a and of b.
#pragma once

#include "eitk/kernels/requantize.h"

namespace eitk {
namespace kernels {

constexpr int kBlockPixels = 4;

// How the table of a layer stores the weights of channels a and b for two inputs.
enum TableForm {
    kPacked,   // one word: for each input an int16, a + 256 b
    kHalves,   // two words, of b and of a: for each input an int16, the weight times 256; for layers with few weights
    kInBytes,  // one word: the bytes a, b, a, b; for weights, sums or scales for which the other forms have no room
};

// The scale of a channel with the real scale multiplier * 2^-31 * 2^-n, 1 <= n <= 15, as one word. Bits 0 to 7 are the
// shift n + 7. The other bits, times 64, are added to 256 times the sum times the multiplier divided by 2^32: both
// roundings and the zero point of the output.
inline int32_t rounding_of(uint32_t scale) { return static_cast<int32_t>(scale & ~0xFFu) >> 2; }

// Converts a sum, multiplied by 256, to an int8 value. Halves are rounded away from zero.
template <class S>
inline int8_t scaled_output(int32_t sum256, int32_t multiplier, uint32_t scale) {
    int32_t rounding = rounding_of(scale);
    if (S::kMin < S::kOutputZeroPoint && sum256 < 0) rounding -= 128;
    const int32_t value = high_mul_add(sum256, multiplier, rounding) >> (scale & 0xFFu);
    return static_cast<int8_t>(clamp(value, S::kMin, S::kMax));
}

// Sums of the four pixels of a block for two channels; multiplied by 256, except in the form kInBytes.
struct BlockSums {
    int32_t b[kBlockPixels];
    int32_t a[kBlockPixels];
};

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables): the assembler writes to these variables

// One pair of inputs: r0 inputs, r1 table, r4 to r7 sums of A + 256 B, r8 to r11 sums of A.
#define EITK_BLOCK_WEIGHTS       \
    ".if %c[halves]\n\t"         \
    "ldrd r12, lr, [r1], #8\n\t" \
    ".else\n\t"                  \
    "ldr r12, [r1], #4\n\t"      \
    "sxtb16 lr, r12\n\t"         \
    ".endif\n\t"
#define EITK_BLOCK_LOWER "ldrd r2, r3, [r0, %[lower]]\n\t"
#define EITK_BLOCK_UPPER "ldrd r2, r3, [r0], %[advance]\n\t"
#define EITK_BLOCK_PAIR                           \
    EITK_BLOCK_WEIGHTS                            \
    EITK_BLOCK_LOWER                              \
    "smlad r6, r2, r12, r6\n\t"                   \
    "smlad r10, r2, lr, r10\n\t"                  \
    "smlad r7, r3, r12, r7\n\t"                   \
    "smlad r11, r3, lr, r11\n\t" EITK_BLOCK_UPPER \
    "smlad r4, r2, r12, r4\n\t"                   \
    "smlad r8, r2, lr, r8\n\t"                    \
    "smlad r5, r3, r12, r5\n\t"                   \
    "smlad r9, r3, lr, r9\n\t"

// The first pair of inputs of four equal sums, which r4 and r8 have.
#define EITK_BLOCK_FIRST_PAIR                    \
    EITK_BLOCK_WEIGHTS                           \
    EITK_BLOCK_LOWER                             \
    "smlad r6, r2, r12, r4\n\t"                  \
    "smlad r10, r2, lr, r8\n\t"                  \
    "smlad r7, r3, r12, r4\n\t"                  \
    "smlad r11, r3, lr, r8\n\t" EITK_BLOCK_UPPER \
    "smlad r5, r3, r12, r4\n\t"                  \
    "smlad r9, r3, lr, r8\n\t"                   \
    "smlad r4, r2, r12, r4\n\t"                  \
    "smlad r8, r2, lr, r8\n\t"

#define EITK_BLOCK_MAX(P, Q) "cmp " P ", " Q "\n\tit lt\n\tmovlt " P ", " Q "\n\t"

// Takes the maximum of each pool.
#define EITK_BLOCK_POOL(P0, P1, P2, P3) \
    ".if %c[pool] > 1\n\t"              \
    EITK_BLOCK_MAX(P0, P1)              \
    EITK_BLOCK_MAX(P2, P3)              \
    ".endif\n\t"                        \
    ".if %c[pool] > 2\n\t"              \
    EITK_BLOCK_MAX(P0, P2)              \
    ".endif\n\t"

// Scales the sum of one pixel and stores it, if the pixel is in the mask. r12 multiplier, r3 shift, r2 rounding.
#define EITK_BLOCK_STORE(pixel, widen_sum, P, offset) \
    ".if (%c[mask] >> " pixel ") & 1\n\t" widen_sum   \
    ".if %c[relu]\n\t"                                \
    "smmla " P ", " P                                 \
    ", r12, r2\n\t"                                   \
    ".else\n\t"                                       \
    "asr lr, " P                                      \
    ", #31\n\t"                                       \
    "add lr, r2, lr, lsl #7\n\t"                      \
    "smmla " P ", " P                                 \
    ", r12, lr\n\t"                                   \
    ".endif\n\t"                                      \
    "asr " P ", " P                                   \
    ", r3\n\t"                                        \
    "ssat " P ", #8, " P                              \
    "\n\t"                                            \
    ".if %c[low] > -128\n\t"                          \
    "cmp " P                                          \
    ", %[low]\n\t"                                    \
    "it lt\n\t"                                       \
    "movlt " P                                        \
    ", %[low]\n\t"                                    \
    ".endif\n\t"                                      \
    ".if %c[high] < 127\n\t"                          \
    "cmp " P                                          \
    ", %[high]\n\t"                                   \
    "it gt\n\t"                                       \
    "movgt " P                                        \
    ", %[high]\n\t"                                   \
    ".endif\n\t"                                      \
    "strb " P ", [r0, %[" offset                      \
    "]]\n\t"                                          \
    ".endif\n\t"

// Multiplies a sum of A by 256, unless the weights were.
#define EITK_BLOCK_WIDEN(P) ".if %c[halves] == 0\n\tlsl " P ", " P ", #8\n\t.endif\n\t"

#define EITK_BLOCK_LOAD_SCALE    \
    "ldrd r12, r3, [r1], #8\n\t" \
    "asr r2, r3, #8\n\t"         \
    "lsl r2, r2, #6\n\t"

// How the loop over the pairs of inputs is unrolled: pairs before the loop, and pairs in each of its rounds.
struct Unrolling {
    int before, in_round;
};

// Finds the unrolling that leaves the fewest rounds, with code for at most ten pairs behind the first.
constexpr Unrolling unrolling_of(int pairs) {
    Unrolling best = {pairs - 1, 0};
    int fewest = pairs > 11 ? pairs : 0;
    for (int in_round = 4; in_round <= 8; ++in_round) {
        const int before = (pairs - 1) % in_round, rounds = (pairs - 1) / in_round;
        const bool shorter = before + in_round < best.before + best.in_round;
        if (before + in_round <= 10 && (rounds < fewest || (rounds == fewest && shorter))) {
            best = {before, in_round};
            fewest = rounds;
        }
    }
    return best;
}

// Computes all channels of a block. Template arguments, so that layers of the same shape share the code: pairs of
// inputs, words between the inputs of the upper and of the lower pixels and from one pair to the next, output
// channels, offsets of pixels 1, 2 and 3 in the output, pixels in a pool (1, 2 or 4), a mask of the
// pixels that are stored, whether negative sums give the lowest output, and the range of the outputs.
template <int kPairs, int kLower, int kAdvance, int kChannels, int kOut1, int kOut2, int kOut3, int kPool, int kMask,
          bool kRelu, int kMin, int kMax, bool kHalves>
EITK_ALL_REGISTERS void block_product_dsp(const uint32_t* inputs, const uint32_t* table, int8_t* out) {
    constexpr Unrolling kUnrolled = unrolling_of(kPairs);
    constexpr int kRounds = kUnrolled.in_round == 0 ? 0 : (kPairs - 1) / kUnrolled.in_round;
    register const uint32_t* x __asm__("r0") = inputs;
    register const uint32_t* w __asm__("r1") = table;
    register int8_t* to __asm__("r2") = out;
    register const uint32_t* w_end __asm__("r3") = table + (kChannels + 1) / 2 * (6 + (kHalves ? 2 : 1) * kPairs);
    register const uint32_t* x_end __asm__("r12") = inputs + kAdvance * kPairs;
    __asm__ volatile(
        "push {r0, r2, r3, r12}\n"
        "0:\n\t"
        "ldrd r4, r8, [r1], #8\n\t" EITK_BLOCK_FIRST_PAIR
        ".rept %c[before]\n\t" EITK_BLOCK_PAIR
        ".endr\n"
        "1:\n\t"
        ".rept %c[in_round]\n\t" EITK_BLOCK_PAIR
        ".endr\n\t"
        ".if %c[rounds] > 1\n\t"
        "ldr r2, [sp, #12]\n\t"
        "cmp r0, r2\n\t"
        "bne 1b\n\t"
        ".endif\n\t"
        ".if %c[halves] == 0\n\t"
        "sub r4, r4, r8\n\t"
        "sub r5, r5, r9\n\t"
        "sub r6, r6, r10\n\t"
        "sub r7, r7, r11\n\t"
        ".endif\n\t"
        "ldr r0, [sp, #4]\n\t" EITK_BLOCK_LOAD_SCALE EITK_BLOCK_POOL("r8", "r9", "r10", "r11")
        EITK_BLOCK_STORE("0", EITK_BLOCK_WIDEN("r8"), "r8", "a0")
        EITK_BLOCK_STORE("1", EITK_BLOCK_WIDEN("r9"), "r9", "a1")
        EITK_BLOCK_STORE("2", EITK_BLOCK_WIDEN("r10"), "r10", "a2")
        EITK_BLOCK_STORE("3", EITK_BLOCK_WIDEN("r11"), "r11", "a3")
        EITK_BLOCK_LOAD_SCALE
        // The last channel of an odd number has no partner.
        ".if %c[odd]\n\t"
        "ldr lr, [sp, #8]\n\t"
        "cmp r1, lr\n\t"
        "beq 2f\n\t"
        ".endif\n\t" EITK_BLOCK_POOL("r4", "r5", "r6", "r7")
        EITK_BLOCK_STORE("0", "", "r4", "b0")
        EITK_BLOCK_STORE("1", "", "r5", "b1")
        EITK_BLOCK_STORE("2", "", "r6", "b2")
        EITK_BLOCK_STORE("3", "", "r7", "b3")
        "add r0, r0, #2\n\t"
        "str r0, [sp, #4]\n\t"
        "ldr r0, [sp]\n\t"
        "ldr r2, [sp, #8]\n\t"
        "cmp r1, r2\n\t"
        "bne 0b\n"
        "2:\n\t"
        "add sp, sp, #16\n\t"
        : "+r"(x), "+r"(w), "+r"(to), "+r"(w_end), "+r"(x_end)
        : [before] "i"(kUnrolled.before), [in_round] "i"(kUnrolled.in_round), [rounds] "i"(kRounds), [pool] "i"(kPool),
          [lower] "i"(4 * kLower), [advance] "i"(4 * kAdvance),
          [mask] "i"(kMask), [relu] "i"(kRelu ? 1 : 0), [odd] "i"(kChannels % 2), [halves] "i"(kHalves ? 1 : 0), [low] "i"(kMin), [high] "i"(kMax),
          [a0] "i"(0), [a1] "i"(kOut1), [a2] "i"(kOut2), [a3] "i"(kOut3), [b0] "i"(1), [b1] "i"(kOut1 + 1),
          [b2] "i"(kOut2 + 1), [b3] "i"(kOut3 + 1)
        : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "lr", "memory", "cc");
}

// The sums of two channels in the form kInBytes: thirteen instructions for a pair of inputs. Returns the table
// behind the weights.
EITK_ALL_REGISTERS inline const uint32_t* wide_block_sums(const uint32_t* inputs, const uint32_t* table, int pairs,
                                                          BlockSums& sums) {
    register const uint32_t* x __asm__("r0") = inputs;
    register const uint32_t* w __asm__("r1") = table;
    register BlockSums* to __asm__("r2") = &sums;
    register const uint32_t* end __asm__("r3") = table + 2 + pairs;
    __asm__ volatile(
        "push {r2, r3}\n\t"
        "ldrd r4, r8, [r1], #8\n\t"
        "mov r5, r4\n\t"
        "mov r6, r4\n\t"
        "mov r7, r4\n\t"
        "mov r9, r8\n\t"
        "mov r10, r8\n\t"
        "mov r11, r8\n"
        "1:\n\t"
        "ldr r12, [r1], #4\n\t"
        "ldrd r2, r3, [r0], #8\n\t"
        "sxtb16 lr, r12\n\t"
        "sxtb16 r12, r12, ror #8\n\t"
        "smlad r4, r2, r12, r4\n\t"
        "smlad r8, r2, lr, r8\n\t"
        "smlad r5, r3, r12, r5\n\t"
        "smlad r9, r3, lr, r9\n\t"
        "ldrd r2, r3, [r0], #8\n\t"
        "smlad r6, r2, r12, r6\n\t"
        "smlad r10, r2, lr, r10\n\t"
        "smlad r7, r3, r12, r7\n\t"
        "smlad r11, r3, lr, r11\n\t"
        "ldr r2, [sp, #4]\n\t"
        "cmp r1, r2\n\t"
        "bne 1b\n\t"
        "pop {r2, r3}\n\t"
        "stmia r2, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
        : "+r"(x), "+r"(w), "+r"(to), "+r"(end)
        :
        : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "memory", "cc");
    return w;
}

// NOLINTEND(cppcoreguidelines-init-variables)
#else

// The sums of two channels whose weights, sums or scales the packed form has no room for: the bytes of a word are
// weights of a, b, a and b, and the initial sums are those of B and A. Returns the table behind the weights.
inline const uint32_t* wide_block_sums(const uint32_t* x, const uint32_t* table, int pairs, BlockSums& sums) {
    for (int i = 0; i < kBlockPixels; ++i) {
        sums.b[i] = static_cast<int32_t>(table[0]);
        sums.a[i] = static_cast<int32_t>(table[1]);
    }
    table += 2;
    for (int pair = 0; pair < pairs; ++pair, x += kBlockPixels, ++table) {
        const uint32_t a = bytes_02(*table), b = bytes_13(*table);
        for (int i = 0; i < kBlockPixels; ++i) {
            sums.a[i] = dual_mac(x[i], a, sums.a[i]);
            sums.b[i] = dual_mac(x[i], b, sums.b[i]);
        }
    }
    return table;
}

#endif

// The portable form of the loop over the inputs. Both sums are multiplied by 256. Returns the table behind the weights.
template <bool kHalves>
inline const uint32_t* block_sums(const uint32_t* x, int lower, int advance, const uint32_t* table, int pairs,
                                  BlockSums& sums) {
    for (int i = 0; i < kBlockPixels; ++i) {
        sums.b[i] = static_cast<int32_t>(table[0]);
        sums.a[i] = static_cast<int32_t>(table[1]);
    }
    table += 2;
    for (int pair = 0; pair < pairs; ++pair, x += advance) {
        const uint32_t b = *table++;
        const uint32_t a = kHalves ? *table++ : bytes_02(b);
        for (int i = 0; i < kBlockPixels; ++i) {
            const uint32_t inputs = x[i % 2 + (i < 2 ? 0 : lower)];
            sums.b[i] = dual_mac(inputs, b, sums.b[i]);
            sums.a[i] = dual_mac(inputs, a, sums.a[i]);
        }
    }
    if (kHalves) return table;
    for (int i = 0; i < kBlockPixels; ++i) {
        sums.b[i] = static_cast<int32_t>(static_cast<uint32_t>(sums.b[i]) - static_cast<uint32_t>(sums.a[i]));
        sums.a[i] *= 256;
    }
    return table;
}

// S: kTableForm; kPairs, kRuns, kSharedRows, the rows of inputs that are stored once, or 0; kOutChannels, kPoolPixels,
// the offsets kOut1 to kOut3 and the constants of `requantize`. kMask: the pixels whose outputs are stored, those of a
// pool by its first pixel.
template <class S, int kMask>
struct BlockProduct {
    static constexpr int kLower = S::kSharedRows > 0 ? 2 * S::kPairs / S::kRuns * (S::kSharedRows - S::kRuns) : 2;
    static constexpr int kAdvance = S::kSharedRows > 0 ? 2 : kBlockPixels;

    static void portable(const uint32_t* inputs, const uint32_t* table, int8_t* out) {
        constexpr int kOut[kBlockPixels] = {0, S::kOut1, S::kOut2, S::kOut3};
        for (int c = 0; c < S::kOutChannels; c += 2, table += 4) {
            BlockSums sums;
            table = S::kTableForm == kInBytes
                        ? wide_block_sums(inputs, table, S::kPairs, sums)
                        : block_sums<S::kTableForm == kHalves>(inputs, kLower, kAdvance, table, S::kPairs, sums);
            for (int i = 0; i < kBlockPixels; i += S::kPoolPixels) {
                if ((kMask >> i & 1) == 0) continue;
                out[kOut[i] + c] = finished(largest(sums.a + i), table[0], table[1]);
                if (c + 1 < S::kOutChannels) out[kOut[i] + c + 1] = finished(largest(sums.b + i), table[2], table[3]);
            }
        }
    }

#if defined(__ARM_FEATURE_DSP)
    static void run(const uint32_t* inputs, const uint32_t* table, int8_t* out) {
        if (S::kTableForm == kInBytes) {
            portable(inputs, table, out);
            return;
        }
        block_product_dsp<S::kPairs, kLower, kAdvance, S::kOutChannels, S::kOut1, S::kOut2, S::kOut3, S::kPoolPixels,
                          kMask, S::kMin == S::kOutputZeroPoint, S::kMin, S::kMax, S::kTableForm == kHalves>(
            inputs, table, out);
    }
#else
    static void run(const uint32_t* inputs, const uint32_t* table, int8_t* out) { portable(inputs, table, out); }
#endif

private:
    static int32_t largest(const int32_t* sums) {
        int32_t value = sums[0];
        for (int i = 1; i < S::kPoolPixels; ++i) value = sums[i] > value ? sums[i] : value;
        return value;
    }

    static int8_t finished(int32_t sum, uint32_t multiplier, uint32_t scale) {
        const int32_t factor = static_cast<int32_t>(multiplier);
        if (S::kTableForm == kInBytes) return requantize<S>(sum, factor, static_cast<int32_t>(scale));
        return scaled_output<S>(sum, factor, scale);
    }
};

}  // namespace kernels
}  // namespace eitk
