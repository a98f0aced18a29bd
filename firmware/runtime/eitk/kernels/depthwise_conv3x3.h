// DEPTHWISE_CONV_2D 3 x 3 on int8 with an activation function that begins at the zero point of the output.
//
// Four input rows are kept in words: byte r of a word is row r of one column and channel. So two SXTB16 unpack the
// inputs of two output rows (with a row stride of two, of one), which are multiplied in pairs of rows: two SMLAD and
// two single multiplications for six products. The window moves on by two rows.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// One channel. The weights, bias and rounding are multiplied by a power of two; if possible, by one that gives all
// channels of a layer the same shift. The rounding includes the zero point of the output.
struct DepthwiseChannel {
    uint32_t rows_02[3];     // for each column of the kernel, the weights of rows 0 and 2
    uint32_t row_1_cols_01;  // the weights of row 1, columns 0 and 1
    uint32_t row_1_col_2;    // the weight of row 1, column 2, and the shift
    int32_t bias;
    int32_t multiplier;
    int32_t rounding;
};

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables): the assembler writes to these variables

// Loads one column of a channel: rows 0 and 2 in r2, rows 1 and 3 in lr.
#define EITK_DW_COLUMN(column) \
    "ldr lr, [r0, #(" column   \
    " * %c[column])]\n\t"      \
    "sxtb16 r2, lr\n\t"        \
    "sxtb16 lr, lr, ror #8\n\t"

// Adds one column to the sum of the lower output row, and to that of the upper one. The first column adds to the bias.
#define EITK_DW_ADD(upper, lower, bias_or_upper, bias_or_lower, rows02, half, row1) \
    ".if %c[two]\n\t"                                                               \
    "smlad " lower ", lr, " rows02 ", " bias_or_lower                               \
    "\n\t"                                                                          \
    "smlat" half " " lower ", r2, " row1 ", " lower                                 \
    "\n\t"                                                                          \
    ".endif\n\t"                                                                    \
    "smlad " upper ", r2, " rows02 ", " bias_or_upper                               \
    "\n\t"                                                                          \
    "smlab" half " " upper ", lr, " row1 ", " upper "\n\t"
#define EITK_DW_ADD0(upper, lower, bias) EITK_DW_ADD(upper, lower, bias, bias, "r4", "b", "r7")
#define EITK_DW_ADD1(upper, lower) EITK_DW_ADD(upper, lower, upper, lower, "r5", "t", "r7")
#define EITK_DW_ADD2(upper, lower) EITK_DW_ADD(upper, lower, upper, lower, "r6", "b", "r8")

// Scales a sum. r2 multiplier, lr rounding.
#define EITK_DW_SCALE(sum) "smmla " sum ", " sum ", r2, lr\n\t"

// Loads the shift of the channel, if the channels have different ones: the upper half of the last word of the weights.
#define EITK_DW_SHIFT        \
    ".if %c[shift] == 0\n\t" \
    "lsr r2, r8, #16\n\t"    \
    ".endif\n\t"

// Shifts a scaled sum and stores it.
#define EITK_DW_STORE(sum, offset) \
    ".if %c[shift]\n\t"            \
    "ssat " sum ", #8, " sum       \
    ", asr %[same_shift]\n\t"      \
    ".else\n\t"                    \
    "asr " sum ", " sum            \
    ", r2\n\t"                     \
    "ssat " sum ", #8, " sum       \
    "\n\t"                         \
    ".endif\n\t"                   \
    ".if %c[low] > -128\n\t"       \
    "cmp " sum                     \
    ", %[low]\n\t"                 \
    "it lt\n\t"                    \
    "movlt " sum                   \
    ", %[low]\n\t"                 \
    ".endif\n\t"                   \
    ".if %c[high] < 127\n\t"       \
    "cmp " sum                     \
    ", %[high]\n\t"                \
    "it gt\n\t"                    \
    "movgt " sum                   \
    ", %[high]\n\t"                \
    ".endif\n\t"                   \
    "strb " sum ", [r1, #(" offset ")]\n\t"

// Computes all columns of one or two output rows, channel by channel, two columns at a time. Template arguments, so
// that layers of the same shape share the code: columns of the output, channels, the stride, whether there are two
// rows, the shift of all channels or 0, and the range of the outputs.
template <int kCols, int kChannels, int kStride, bool kTwoRows, int kShift, int kMin, int kMax>
EITK_ALL_REGISTERS void depthwise_rows_dsp(const uint32_t* window, const DepthwiseChannel* channels, int8_t* to) {
    register const uint32_t* x __asm__("r0") = window;
    register int8_t* out __asm__("r1") = to;
    register const DepthwiseChannel* channel __asm__("r3") = channels;
    register const uint32_t* x_end __asm__("r2") = window + kCols / 2 * 2 * kStride * kChannels;
    register const int32_t* end __asm__("r4") = &channels[kChannels - 1].rounding + 1;
    __asm__ volatile(
        "push {r2, r4}\n\t"
        ".if %c[two] == 0\n\t"
        "mov r10, r2\n\t"  // the register of a sum of the lower row
        ".endif\n"
        "0:\n\t"
        "ldmia r3!, {r4, r5, r6, r7, r8}\n\t"
        ".if %c[pairs]\n"
        "1:\n\t"
        "ldr r11, [r3]\n\t"
        EITK_DW_COLUMN("0") EITK_DW_ADD0("r9", "r10", "r11")
        ".if %c[stride] == 1\n\t"
        EITK_DW_COLUMN("1") EITK_DW_ADD1("r9", "r10") EITK_DW_ADD0("r11", "r12", "r11")
        EITK_DW_COLUMN("2") EITK_DW_ADD2("r9", "r10") EITK_DW_ADD1("r11", "r12")
        EITK_DW_COLUMN("3") EITK_DW_ADD2("r11", "r12")
        ".else\n\t"
        EITK_DW_COLUMN("1") EITK_DW_ADD1("r9", "r10")
        EITK_DW_COLUMN("2") EITK_DW_ADD2("r9", "r10") EITK_DW_ADD0("r11", "r12", "r11")
        EITK_DW_COLUMN("3") EITK_DW_ADD1("r11", "r12")
        EITK_DW_COLUMN("4") EITK_DW_ADD2("r11", "r12")
        ".endif\n\t"
        "ldrd r2, lr, [r3, #4]\n\t"
        EITK_DW_SCALE("r9") EITK_DW_SCALE("r11")
        ".if %c[two]\n\t"
        EITK_DW_SCALE("r10") EITK_DW_SCALE("r12")
        ".endif\n\t"
        EITK_DW_SHIFT
        EITK_DW_STORE("r9", "0") EITK_DW_STORE("r11", "%c[channels]")
        ".if %c[two]\n\t"
        EITK_DW_STORE("r10", "%c[row]") EITK_DW_STORE("r12", "%c[row] + %c[channels]")
        ".endif\n\t"
        "add r0, r0, %[step]\n\t"
        "add r1, r1, #(2 * %c[channels])\n\t"
        ".if %c[pairs] > 1\n\t"
        ".if %c[two]\n\t"
        "ldr r2, [sp]\n\t"
        "cmp r0, r2\n\t"
        ".else\n\t"
        "cmp r0, r10\n\t"
        ".endif\n\t"
        "bne 1b\n\t"
        ".endif\n\t"
        ".endif\n\t"
        ".if %c[odd]\n\t"
        "ldr r9, [r3]\n\t"
        EITK_DW_COLUMN("0") EITK_DW_ADD0("r9", "r10", "r9")
        EITK_DW_COLUMN("1") EITK_DW_ADD1("r9", "r10")
        EITK_DW_COLUMN("2") EITK_DW_ADD2("r9", "r10")
        "ldrd r2, lr, [r3, #4]\n\t"
        EITK_DW_SCALE("r9")
        ".if %c[two]\n\t"
        EITK_DW_SCALE("r10")
        ".endif\n\t"
        EITK_DW_SHIFT
        EITK_DW_STORE("r9", "0")
        ".if %c[two]\n\t"
        EITK_DW_STORE("r10", "%c[row]")
        ".endif\n\t"
        ".endif\n\t"
        // Back to the first column, and on to the next channel.
        ".if %c[back] > 4095\n\t"
        "movw r2, %[back]\n\t"
        "sub r0, r0, r2\n\t"
        ".else\n\t"
        "sub r0, r0, %[back]\n\t"
        ".endif\n\t"
        "sub r1, r1, %[out_back]\n\t"
        ".if %c[two] == 0\n\t"
        "add r10, r10, #4\n\t"
        ".elseif %c[pairs] > 1\n\t"
        "ldr r2, [sp]\n\t"
        "add r2, r2, #4\n\t"
        "str r2, [sp]\n\t"
        ".endif\n\t"
        "ldr r2, [sp, #4]\n\t"
        "add r3, r3, #12\n\t"
        "cmp r3, r2\n\t"
        "bne 0b\n\t"
        "add sp, sp, #8\n\t"
        : "+r"(x), "+r"(out), "+r"(channel), "+r"(x_end), "+r"(end)
        : [pairs] "i"(kCols / 2), [odd] "i"(kCols % 2), [two] "i"(kTwoRows ? 1 : 0), [stride] "i"(kStride),
          [shift] "i"(kShift), [same_shift] "i"(kShift > 0 ? kShift : 1), [low] "i"(kMin), [high] "i"(kMax), [back] "i"(8 * kStride * kChannels * (kCols / 2) - 4), [out_back] "i"(2 * kChannels * (kCols / 2) - 1), [column] "i"(4 * kChannels), [step] "i"(8 * kStride * kChannels),
          [channels] "i"(kChannels), [row] "i"(kCols * kChannels)
        : "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "memory", "cc");
}

// NOLINTEND(cppcoreguidelines-init-variables)
#endif

// Moves a window of kCount words on by two rows.
template <int kCount>
struct PushRows {
    static constexpr int kWhole = kCount / 4 * 4;

    // Both rows at a time. They are read in steps of four bytes, or of zero bytes for a row of padding.
    template <int kStepA, int kStepB>
    __attribute__((noinline)) static void both(const int8_t* a, const int8_t* b, uint32_t* to) {
        if (kWhole > 0) four_by_four<kStepA, kStepB>(a, b, to);
        for (int i = kWhole; i < kCount; ++i) {
            const uint32_t of_a = static_cast<uint8_t>(a[kStepA > 0 ? i : 0]);
            const uint32_t of_b = static_cast<uint8_t>(b[kStepB > 0 ? i : 0]);
            to[i] = to[i] >> 16 | of_a << 16 | of_b << 24;
        }
    }

    // The first row, and then the second.
    __attribute__((noinline)) static void first(const int8_t* row, uint32_t* to) {
        for (int i = 0; i < kCount; ++i)
            to[i] = to[i] >> 16 | static_cast<uint32_t>(static_cast<uint8_t>(row[i])) << 16;
    }
    __attribute__((noinline)) static void second(const int8_t* row, uint32_t* to) {
        int8_t* const bytes = reinterpret_cast<int8_t*>(to) + 3;
        for (int i = 0; i < kCount; ++i) bytes[4 * i] = row[i];
    }

private:
#if defined(__ARM_FEATURE_DSP)
    // NOLINTBEGIN(cppcoreguidelines-init-variables,readability-non-const-parameter): the assembler writes them
    template <int kStepA, int kStepB>
    static void four_by_four(const int8_t* a, const int8_t* b, uint32_t* to) {
        const uint32_t* const end = to + kWhole;
        uint32_t of_a, of_b, even, spare;
        __asm__ volatile(
            "1:\n\t"
            "ldr %[a4], [%[a]], %[step_a]\n\t"
            "ldr %[b4], [%[b]], %[step_b]\n\t"
            "and %[even], %[a4], %[mask]\n\t"
            "and %[spare], %[b4], %[mask]\n\t"
            "orr %[even], %[even], %[spare], lsl #8\n\t"
            "and %[a4], %[mask], %[a4], lsr #8\n\t"
            "bic %[b4], %[b4], %[mask]\n\t"
            "orr %[a4], %[a4], %[b4]\n\t"
            "ldmia %[to], {r4, r5, r6, r8}\n\t"
            "lsr r4, r4, #16\n\t"
            "orr r4, r4, %[even], lsl #16\n\t"
            "lsr r5, r5, #16\n\t"
            "orr r5, r5, %[a4], lsl #16\n\t"
            "pkhtb r6, %[even], r6, asr #16\n\t"
            "pkhtb r8, %[a4], r8, asr #16\n\t"
            "stmia %[to]!, {r4, r5, r6, r8}\n\t"
            "cmp %[to], %[end]\n\t"
            "bne 1b\n\t"
            : [a] "+r"(a), [b] "+r"(b), [to] "+r"(to), [a4] "=&r"(of_a), [b4] "=&r"(of_b), [even] "=&r"(even),
              [spare] "=&r"(spare)
            : [end] "r"(end), [mask] "r"(0x00FF00FFu), [step_a] "i"(kStepA), [step_b] "i"(kStepB)
            : "r4", "r5", "r6", "r8", "memory", "cc");
    }
    // NOLINTEND(cppcoreguidelines-init-variables,readability-non-const-parameter)
#else
    template <int kStepA, int kStepB>
    static void four_by_four(const int8_t* a, const int8_t* b, uint32_t* to) {
        for (int i = 0; i < kWhole; i += 4, a += kStepA, b += kStepB) {
            for (int k = 0; k < 4; ++k) {
                const uint32_t of_a = static_cast<uint8_t>(a[k]), of_b = static_cast<uint8_t>(b[k]);
                to[i + k] = to[i + k] >> 16 | of_a << 16 | of_b << 24;
            }
        }
    }
#endif
};

// S: kRowElements, kPadTop, kInRows, kPadValue; kPadLeftCols and kPadRightCols, the columns of padding; kOutRows,
// kOutCols, kOutChannels; kStride, 1 or 2 in both directions; kScaleShift, the shift of all channels, or 0 if they have
// different ones; kMin and kMax.
template <class S, class Source>
class DepthwiseConv3x3 {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = S::kStride == 1 ? 2 : 1;

    DepthwiseConv3x3(Source& source, uint32_t* window, const DepthwiseChannel* channels)
        : source_(source), window_(window), channels_(channels) {}

    // Computes the next rows of the output. A row beyond its end is not written.
    void block(int8_t* out) {
        if (row_ == -S::kPadTop) {
            constexpr uint32_t kPadding = (S::kPadValue & 0xFFu) * 0x01010101u;
            constexpr int kLeft = S::kPadLeftCols * S::kOutChannels, kRight = S::kPadRightCols * S::kOutChannels;
            for (int i = 0; i < kLeft; ++i) window_[i] = kPadding;
            for (int i = 0; i < kRight; ++i) window_[kLeft + S::kRowElements + i] = kPadding;
            next_two_rows();
        }
        next_two_rows();
        if (kBlockOutRows == 2 && out_row_ + 1 < S::kOutRows) {
            rows<kBlockOutRows == 2>(out);
        } else {
            rows<false>(out);
        }
        out_row_ += kBlockOutRows;
    }

private:
    const int8_t* next_row() {
        const bool inside = row_ >= 0 && row_ < S::kInRows;
        ++row_;
        return inside ? source_.next() : nullptr;
    }

    // Moves the window on by two rows. A source may overwrite a row when it returns the next.
    void next_two_rows() {
        using Push = PushRows<S::kRowElements>;
        uint32_t* const to = window_ + S::kPadLeftCols * S::kOutChannels;
        const int8_t padding[4] = {S::kPadValue, S::kPadValue, S::kPadValue, S::kPadValue};
        const int8_t* const first = next_row();
        const bool second_is_padding = row_ < 0 || row_ >= S::kInRows;
        if (first == nullptr) {
            const int8_t* const second = next_row();
            return second == nullptr ? Push::template both<0, 0>(padding, padding, to)
                                     : Push::template both<0, 4>(padding, second, to);
        }
        if (second_is_padding) {
            next_row();
            return Push::template both<4, 0>(first, padding, to);
        }
        if (Source::kRowsStay) return Push::template both<4, 4>(first, next_row(), to);
        Push::first(first, to);
        Push::second(next_row(), to);
    }

#if defined(__ARM_FEATURE_DSP)
    template <bool kTwoRows>
    void rows(int8_t* out) const {
        depthwise_rows_dsp<S::kOutCols, S::kOutChannels, S::kStride, kTwoRows, S::kScaleShift, S::kMin, S::kMax>(
            window_, channels_, out);
    }
#else
    template <bool kTwoRows>
    void rows(int8_t* out) const {
        for (int c = 0; c < S::kOutChannels; ++c) {
            const DepthwiseChannel& channel = channels_[c];
            for (int col = 0; col < S::kOutCols; ++col) {
                int32_t upper = channel.bias, lower = channel.bias;
                for (int k = 0; k < 3; ++k) {
                    const uint32_t rows = window_[(col * S::kStride + k) * S::kOutChannels + c];
                    const uint32_t weights = channel.rows_02[k];
                    const int32_t row1 = k == 0   ? low_half(channel.row_1_cols_01)
                                         : k == 1 ? high_half(channel.row_1_cols_01)
                                                  : low_half(channel.row_1_col_2);
                    upper = dual_mac(bytes_02(rows), weights, upper) + low_half(bytes_13(rows)) * row1;
                    lower = dual_mac(bytes_13(rows), weights, lower) + high_half(bytes_02(rows)) * row1;
                }
                out[col * S::kOutChannels + c] = output(upper, channel);
                if (kTwoRows) out[(S::kOutCols + col) * S::kOutChannels + c] = output(lower, channel);
            }
        }
    }

    static int8_t output(int32_t sum, const DepthwiseChannel& channel) {
        const int32_t value = high_mul_add(sum, channel.multiplier, channel.rounding) >> (channel.row_1_col_2 >> 16);
        return static_cast<int8_t>(clamp(value, S::kMin, S::kMax));
    }
#endif

    Source& source_;
    uint32_t* window_;
    const DepthwiseChannel* channels_;
    int row_ = -S::kPadTop;  // the next input row
    int out_row_ = 0;
};

}  // namespace kernels
}  // namespace eitk
