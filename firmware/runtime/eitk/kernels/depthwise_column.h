// DEPTHWISE_CONV_2D on int8 with a kernel of one column, as networks that go along time have it, for four output rows
// at a time.
//
// Four input rows are kept in words: the bytes of a word are rows 0, 2, 1 and 3 of one column and channel. Two SXTB16
// give the pairs of rows (0, 1) and (2, 3). A pair is multiplied for each of the four output rows: for the first and
// the third with the pair of weights 2 q and 2 q + 1, for the second and the fourth, which begin one row later, with
// the pair 2 q - 1 and 2 q, which one PKHBT makes of the former.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

constexpr int kColumnRows = 4;  // rows in a word, and output rows that are computed at a time

// The words of a channel in the table of a layer: the first two pairs of weights, the bias, further pairs of weights,
// multiplier, rounding; and, if the channels have different shifts, the shift and, from bit 8 on, half of what is
// subtracted from the rounding of negative sums. If they have the same, at least 8, the lowest seven bits of the
// rounding are that half. Weights, bias and rounding are multiplied by a power of two; if possible, by one that gives
// all channels the same shift. The rounding includes the zero point of the output.
template <int kTaps, bool kSameShift>
struct ColumnTable {
    static constexpr int kPairs = (kTaps + 1) / 2;
    static constexpr int kMultiplier = 3 + (kPairs > 2 ? kPairs - 2 : 0);
    static constexpr int kWords = kMultiplier + 2 + (kSameShift ? 0 : 1);

    static int32_t weight(const uint32_t* channel, int tap) {
        const uint32_t pair = channel[tap < 4 ? tap / 2 : tap / 2 + 1];
        return tap % 2 == 0 ? low_half(pair) : high_half(pair);
    }
};

#if defined(__ARM_FEATURE_DSP)

// Adds products to the sum of an output row, if the condition is met.
#define EITK_COLUMN_ADD(condition, instruction, sum, P, weights, before) \
    ".if " condition "\n\t" instruction " " sum ", " P ", " weights ", " before "\n\t.endif\n\t"

// Adds the products of pair q of rows, in register P, to the sums r8 to r11 of the output rows. E: the pairs of weights
// 2 q and 2 q + 1, and of q - 1; O: the weights 2 q - 1 and 2 q with exchanged halves, and of q - 1. The bias is in r11
// until the sum of the last row begins.
#define EITK_COLUMN_PAIR(P, q, E, E1, O, O1)                                           \
    EITK_COLUMN_ADD(q " == 0", "smlad", "r8", P, E, "r11")                             \
    EITK_COLUMN_ADD(q " > 0 && 2 * " q " + 1 < %c[taps]", "smlad", "r8", P, E, "r8")   \
    EITK_COLUMN_ADD(q " > 0 && 2 * " q " + 1 == %c[taps]", "smlabb", "r8", P, E, "r8") \
    ".if %c[rows] > 1\n\t" \
    EITK_COLUMN_ADD(q " == 0", "smlatb", "r9", P, E, "r11") \
    EITK_COLUMN_ADD(q " > 0 && 2 * " q " < %c[taps]", "smladx", "r9", P, O, "r9") \
    EITK_COLUMN_ADD("2 * " q " == %c[taps]", "smlabt", "r9", P, E1, "r9") \
    ".endif\n\t" \
    ".if %c[rows] > 2\n\t" \
    EITK_COLUMN_ADD(q " == 1", "smlad", "r10", P, E1, "r11") \
    EITK_COLUMN_ADD(q " > 1 && 2 * " q " - 1 < %c[taps]", "smlad", "r10", P, E1, "r10") \
    EITK_COLUMN_ADD(q " > 1 && 2 * " q " - 1 == %c[taps]", "smlabb", "r10", P, E1, "r10") \
    ".endif\n\t" \
    ".if %c[rows] > 3\n\t" \
    EITK_COLUMN_ADD(q " == 1", "smlatb", "r11", P, E1, "r11") \
    EITK_COLUMN_ADD(q " > 1 && 2 * " q " - 2 < %c[taps]", "smladx", "r11", P, O1, "r11") \
    EITK_COLUMN_ADD(q " > 1 && 2 * " q " - 2 == %c[taps]", "smlabt", "r11", P, E, "r11") \
    ".endif\n\t"

// Loads the weights of pair q in register E, and makes O of them and of the pair before.
#define EITK_COLUMN_WEIGHTS(q, E, E1, O)              \
    ".if " q " > 1 && 2 * " q " < %c[taps]\n\tldr " E \
    ", [r3], #4\n\t.endif\n\t"                        \
    ".if " q " > 0 && 2 * " q " < %c[taps]\n\tpkhbt " O ", " E ", " E1 "\n\t.endif\n\t"

// Scales the sum of an output row and stores it.
#define EITK_COLUMN_STORE(row, sum, address) \
    ".if %c[rows] > " row                    \
    "\n\t"                                   \
    ".if %c[half]\n\t"                       \
    "and lr, r6, " sum                       \
    ", asr #31\n\t"                          \
    "sub lr, r5, lr, lsl #1\n\t"             \
    "smmla " sum ", " sum                    \
    ", r4, lr\n\t"                           \
    ".else\n\t"                              \
    "smmla " sum ", " sum                    \
    ", r4, r5\n\t"                           \
    ".endif\n\t"                             \
    ".if %c[shift]\n\t"                      \
    "ssat " sum ", #8, " sum                 \
    ", asr %[same_shift]\n\t"                \
    ".else\n\t"                              \
    "asr " sum ", " sum                      \
    ", r7\n\t"                               \
    "ssat " sum ", #8, " sum                 \
    "\n\t"                                   \
    ".endif\n\t"                             \
    ".if %c[low] > -128\n\t"                 \
    "cmp " sum                               \
    ", %[low]\n\t"                           \
    "it lt\n\t"                              \
    "movlt " sum                             \
    ", %[low]\n\t"                           \
    ".endif\n\t"                             \
    ".if %c[high] < 127\n\t"                 \
    "cmp " sum                               \
    ", %[high]\n\t"                          \
    "it gt\n\t"                              \
    "movgt " sum                             \
    ", %[high]\n\t"                          \
    ".endif\n\t"                             \
    "strb " sum ", " address                 \
    "\n\t"                                   \
    ".endif\n\t"

// Computes kRows output rows of one column, channel by channel, and moves the words of the window on by one. Template
// arguments, so that layers of the same shape share the code: the taps, the rows, whether more rows follow, channels,
// elements of a row, whether negative sums are rounded in another way, the shift of all channels or 0, and the range of
// the outputs.
template <int kTaps, int kRows, bool kMore, int kChannels, int kRowElements, bool kHalf, int kShift, int kMin, int kMax>
EITK_ALL_REGISTERS void column_rows_dsp(uint32_t* window, const uint32_t* table, int8_t* to) {
    register uint32_t* x __asm__("r0") = window;
    register int8_t* out __asm__("r1") = to;
    register const uint32_t* channel __asm__("r3") = table;
    register const uint32_t* end __asm__("r12") = window + kChannels;
    __asm__ volatile(
        "0:\n\t"
        ".irp g, 0, 1, 2, 3, 4, 5, 6, 7\n\t"
        ".if 4 * \\g < %c[inputs]\n\t"
        ".if \\g == 0\n\t"
        "ldr r2, [r0], #4\n\t"
        "ldmia r3!, {r4, r5, r11}\n\t"
        ".else\n\t"
        "ldr r2, [r0, #(\\g * %c[group] - 4)]\n\t"
        ".if %c[more]\n\t"
        "str r2, [r0, #((\\g - 1) * %c[group] - 4)]\n\t"
        ".endif\n\t"
        ".endif\n\t"
        ".if 4 * \\g + 2 < %c[inputs]\n\t"
        "sxtb16 lr, r2, ror #8\n\t"
        ".endif\n\t"
        "sxtb16 r2, r2\n\t"
        EITK_COLUMN_WEIGHTS("(2 * \\g)", "r4", "r5", "r6") EITK_COLUMN_PAIR("r2", "(2 * \\g)", "r4", "r5", "r6", "r7")
        ".if 4 * \\g + 2 < %c[inputs]\n\t"
        EITK_COLUMN_WEIGHTS("(2 * \\g + 1)", "r5", "r4", "r7") EITK_COLUMN_PAIR("lr", "(2 * \\g + 1)", "r5", "r4", "r7", "r6")
        ".endif\n\t"
        ".endif\n\t"
        ".endr\n\t"
        "ldrd r4, r5, [r3], #8\n\t"
        ".if %c[shift] == 0\n\t"
        "ldr r7, [r3], #4\n\t"
        ".endif\n\t"
        ".if %c[half] && %c[shift]\n\t"
        "ubfx r6, r5, #0, #7\n\t"
        ".elseif %c[half]\n\t"
        "lsr r6, r7, #8\n\t"
        ".endif\n\t"
        EITK_COLUMN_STORE("3", "r11", "[r1, #(3 * %c[row])]") EITK_COLUMN_STORE("2", "r10", "[r1, #(2 * %c[row])]")
        EITK_COLUMN_STORE("1", "r9", "[r1, #(%c[row])]") EITK_COLUMN_STORE("0", "r8", "[r1], #1")
        "cmp r0, r12\n\t"
        "bne 0b\n\t"
        : "+r"(x), "+r"(out), "+r"(channel), "+r"(end)
        : [taps] "i"(kTaps), [rows] "i"(kRows), [more] "i"(kMore ? 1 : 0), [inputs] "i"(kTaps + kRows - 1),
          [group] "i"(4 * kRowElements), [row] "i"(kRowElements), [half] "i"(kHalf ? 1 : 0), [shift] "i"(kShift),
          [same_shift] "i"(kShift > 0 ? kShift : 1), [low] "i"(kMin), [high] "i"(kMax)
        : "r2", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "lr", "memory", "cc");
}

#endif

// Writes four input rows of kCount elements in words.
template <int kCount>
struct PackRows {
    // The position of each row in a word.
    static constexpr int byte_of(int row) { return (row % 2 << 1) | row / 2; }

    // All rows at a time.
    EITK_ALL_REGISTERS static void all(const int8_t* const (&rows)[kColumnRows], uint32_t* to) {
        constexpr int kWhole = kCount / 4 * 4;
        if (kWhole > 0) four_by_four<kWhole>(rows, to);
        for (int i = kWhole; i < kCount; ++i) {
            for (int row = 0; row < kColumnRows; ++row) {
                reinterpret_cast<int8_t*>(to + i)[byte_of(row)] = rows[row][i];
            }
        }
    }

    // One row. The values are read in steps of one byte, or of zero bytes for a row of padding.
    __attribute__((noinline)) static void one(const int8_t* values, int step, int row, uint32_t* to) {
        int8_t* const bytes = reinterpret_cast<int8_t*>(to) + byte_of(row);
#pragma GCC unroll 4
        for (int i = 0; i < kCount; ++i, values += step) bytes[4 * i] = *values;
    }

private:
#if defined(__ARM_FEATURE_DSP)
    template <int kWhole>
    static void four_by_four(const int8_t* const (&rows)[kColumnRows], uint32_t* words) {
        register const int8_t* a __asm__("r0") = rows[0];
        register const int8_t* b __asm__("r1") = rows[1];
        register const int8_t* c __asm__("r2") = rows[2];
        register const int8_t* d __asm__("r3") = rows[3];
        register uint32_t* to __asm__("r12") = words;
        register const uint32_t* end __asm__("lr") = words + kWhole;
        __asm__ volatile(
            "1:\n\t"
            "ldr r4, [r0], #4\n\t"
            "ldr r8, [r1], #4\n\t"
            "ldr r5, [r2], #4\n\t"
            "ldr r9, [r3], #4\n\t"
            "and r6, %[mask], r5, lsl #8\n\t"  // bytes 0 and 2 of rows 2 and 0: a0 c0 a2 c2
            "uxtab16 r6, r6, r4\n\t"
            "and r5, r5, %[mask]\n\t"  // bytes 1 and 3: a1 c1 a3 c3
            "uxtab16 r5, r5, r4, ror #8\n\t"
            "and r10, %[mask], r9, lsl #8\n\t"
            "uxtab16 r10, r10, r8\n\t"
            "and r9, r9, %[mask]\n\t"
            "uxtab16 r9, r9, r8, ror #8\n\t"
            "pkhbt r4, r6, r10, lsl #16\n\t"
            "pkhtb r6, r10, r6, asr #16\n\t"
            "pkhtb r8, r9, r5, asr #16\n\t"
            "pkhbt r5, r5, r9, lsl #16\n\t"
            "stmia r12!, {r4, r5, r6, r8}\n\t"
            "cmp r12, lr\n\t"
            "bne 1b\n\t"
            : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(to)
            : "r"(end), [mask] "r"(0xFF00FF00u)
            : "r4", "r5", "r6", "r8", "r9", "r10", "memory", "cc");
    }
#else
    template <int kWhole>
    static void four_by_four(const int8_t* const (&rows)[kColumnRows], uint32_t* words) {
        for (int i = 0; i < kWhole; ++i) {
            words[i] = 0;
            for (int row = 0; row < kColumnRows; ++row) {
                words[i] |= static_cast<uint32_t>(static_cast<uint8_t>(rows[row][i])) << 8 * byte_of(row);
            }
        }
    }
#endif
};

// S: kRowElements, kPadTop, kInRows, kPadValue; kGroups, the words of a column and channel in the window; kTaps;
// kOutRows, kOutCols, kOutChannels; kScaleShift, the shift of all channels, or 0 if they have different ones; kMin,
// kMax and kOutputZeroPoint.
template <class S, class Source>
class DepthwiseColumn {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = kOutRows < kColumnRows ? kOutRows : kColumnRows;

    DepthwiseColumn(Source& source, uint32_t* window, const uint32_t* table)
        : source_(source), window_(window), table_(table) {}

    // Computes the next rows of the output. Rows beyond its end are not written.
    void block(int8_t* out) {
        if (out_row_ == 0) {
            for (int group = 0; group < S::kGroups - 1; ++group) next_rows(window_ + group * S::kRowElements);
        }
        next_rows(window_ + (S::kGroups - 1) * S::kRowElements);
        if (out_row_ + kBlockOutRows <= kOutRows) {
            rows<kBlockOutRows, kMore>(out);
        } else {
            rows<kLastRows, (kTail == 0 && kMore)>(out);
        }
        out_row_ += kBlockOutRows;
    }

private:
    static constexpr bool kHalf = S::kMin < S::kOutputZeroPoint;
    static constexpr bool kMore = kOutRows > kColumnRows;
    static constexpr int kTail = kOutRows % kBlockOutRows;
    static constexpr int kLastRows = kTail == 0 ? kBlockOutRows : kTail;
    static constexpr int kNeededRows = kOutRows + S::kTaps - 1 - S::kPadTop;  // of the input and the padding below it
    using Table = ColumnTable<S::kTaps, (S::kScaleShift > 0)>;

    // Reads the next four rows. A source may overwrite a row when it returns the next.
    void next_rows(uint32_t* to) {
        using Pack = PackRows<S::kRowElements>;
        if (Source::kRowsStay && row_ >= 0 && row_ + kColumnRows <= S::kInRows) {
            const int8_t* values[kColumnRows];
            for (const int8_t*& row : values) row = source_.next();
            row_ += kColumnRows;
            return Pack::all(values, to);
        }
        for (int row = 0; row < kColumnRows; ++row, ++row_) {
            const int8_t padding = S::kPadValue;
            if (row_ >= 0 && row_ < S::kInRows) {
                Pack::one(source_.next(), 1, row, to);
            } else if (row_ < kNeededRows) {
                Pack::one(&padding, 0, row, to);
            }
        }
    }

    template <int kRows, bool kMoves>
    void rows(int8_t* out) {
        for (int col = 0; col < S::kOutCols; ++col) {
            column<kRows, kMoves>(window_ + col * S::kOutChannels, out + col * S::kOutChannels);
        }
    }

#if defined(__ARM_FEATURE_DSP)
    template <int kRows, bool kMoves>
    void column(uint32_t* words, int8_t* out) const {
        column_rows_dsp<S::kTaps, kRows, kMoves, S::kOutChannels, S::kRowElements, kHalf, S::kScaleShift, S::kMin,
                        S::kMax>(words, table_, out);
    }
#else
    template <int kRows, bool kMoves>
    void column(uint32_t* words, int8_t* out) const {
        const uint32_t* channel = table_;
        for (int c = 0; c < S::kOutChannels; ++c, channel += Table::kWords) {
            for (int row = 0; row < kRows; ++row) {
                int32_t sum = static_cast<int32_t>(channel[2]);
                for (int tap = 0; tap < S::kTaps; ++tap) {
                    sum += input(words + c, row + tap) * Table::weight(channel, tap);
                }
                out[row * kOutRowElements + c] = output(sum, channel + Table::kMultiplier);
            }
            for (int group = 1; kMoves && group < S::kGroups; ++group) {
                words[c + (group - 1) * S::kRowElements] = words[c + group * S::kRowElements];
            }
        }
    }

    static int32_t input(const uint32_t* words, int row) {
        const uint32_t word = words[row / kColumnRows * S::kRowElements];
        return static_cast<int8_t>(word >> 8 * PackRows<S::kRowElements>::byte_of(row % kColumnRows) & 0xFFu);
    }

    static int8_t output(int32_t sum, const uint32_t* scale) {
        const bool same_shift = S::kScaleShift > 0;
        const int32_t half = static_cast<int32_t>(same_shift ? scale[1] & 0x7Fu : scale[2] >> 8);
        const int32_t rounding = static_cast<int32_t>(scale[1]) - (kHalf && sum < 0 ? 2 * half : 0);
        const int shift = same_shift ? S::kScaleShift : static_cast<int>(scale[2] & 0xFFu);
        const int32_t value = high_mul_add(sum, static_cast<int32_t>(scale[0]), rounding) >> shift;
        return static_cast<int8_t>(clamp(value, S::kMin, S::kMax));
    }
#endif

    Source& source_;
    uint32_t* window_;
    const uint32_t* table_;
    int row_ = -S::kPadTop;  // the next input row
    int out_row_ = 0;
};

}  // namespace kernels
}  // namespace eitk
