// CONV_2D on int8, fused with the max pool that follows it, if any.
//
// The inputs of four pixels are gathered from a window of rows, widened and interleaved for `BlockProduct`, which
// computes all channels of the four. A pooled pixel is the maximum of its sums, taken before they are scaled (scaling
// is monotonic), so that the unpooled output is never stored.
#pragma once

#include "eitk/kernels/block_product.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

constexpr int smaller(int a, int b) { return a < b ? a : b; }

// Interleaves the inputs of four pixels. A pixel has kRuns runs of kElements contiguous inputs, kRunCols of them
// kColStep apart in a row of the kernel, and the rows kRowStep apart. Words of four inputs 0 1 2 3 give the pairs
// (0, 2) and (1, 3); the inputs of all runs that do not fill a word are paired afterwards.
template <int kRuns, int kRunCols, int kRowStep, int kColStep, int kElements>
struct Gather {
    static constexpr int kWords = kElements / 4;
    static constexpr int kLeft = kElements % 4;

    EITK_ALL_REGISTERS static void interleave(const int8_t* p0, const int8_t* p1, const int8_t* p2, const int8_t* p3,
                                              uint32_t* to) {
        if (kWords > 0) {
            for (int run = 0; run < kRuns; ++run) to = words(p0, p1, p2, p3, offset(run), to);
        }
        if (kLeft > 0) {
#pragma GCC unroll 16
            for (int i = 0; i < kRuns * kLeft; i += 2, to += 4) {
                to[0] = pair(p0, i);
                to[1] = pair(p1, i);
                to[2] = pair(p2, i);
                to[3] = pair(p3, i);
            }
        }
    }

private:
    static constexpr int offset(int run) { return run / kRunCols * kRowStep + run % kRunCols * kColStep; }

    // Position of the i-th input that does not fill a word.
    static constexpr int left(int i) { return offset(i / kLeftOr1) + 4 * kWords + i % kLeftOr1; }
    static constexpr int kLeftOr1 = kLeft > 0 ? kLeft : 1;

    static uint32_t pair(const int8_t* p, int i) {
        const uint32_t low = static_cast<uint16_t>(p[left(i)]);
        return i + 1 < kRuns * kLeft ? low | static_cast<uint32_t>(p[left(i + 1)]) << 16 : low;
    }

#if defined(__ARM_FEATURE_DSP)
    static uint32_t* words(const int8_t* p0, const int8_t* p1, const int8_t* p2, const int8_t* p3, int at,
                           uint32_t* to) {
        p0 += at;
        p1 += at;
        p2 += at;
        p3 += at;
        const int8_t* const end = p0 + 4 * kWords;
        __asm__ volatile(
            "1:\n\t"
            "ldr r8, [%[p0]], #4\n\t"
            "ldr r9, [%[p1]], #4\n\t"
            "ldr r10, [%[p2]], #4\n\t"
            "ldr r11, [%[p3]], #4\n\t"
            "sxtb16 r4, r8\n\t"
            "sxtb16 r5, r9\n\t"
            "sxtb16 r6, r10\n\t"
            "sxtb16 r7, r11\n\t"
            "sxtb16 r8, r8, ror #8\n\t"
            "sxtb16 r9, r9, ror #8\n\t"
            "sxtb16 r10, r10, ror #8\n\t"
            "sxtb16 r11, r11, ror #8\n\t"
            "stmia %[to]!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
            ".if %c[words] > 1\n\t"
            "ldr r11, %[end]\n\t"  // there is no register for it
            "cmp %[p0], r11\n\t"
            "bne 1b\n\t"
            ".endif\n\t"
            : [p0] "+r"(p0), [p1] "+r"(p1), [p2] "+r"(p2), [p3] "+r"(p3), [to] "+r"(to)
            : [end] "m"(end), [words] "i"(kWords)
            : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "memory", "cc");
        return to;
    }
#else
    static uint32_t* words(const int8_t* p0, const int8_t* p1, const int8_t* p2, const int8_t* p3, int at,
                           uint32_t* to) {
        const int8_t* const pixels[] = {p0 + at, p1 + at, p2 + at, p3 + at};
        for (int i = 0; i < 4 * kWords; i += 4, to += 8) {
            for (int k = 0; k < 4; ++k) {
                to[k] = bytes_02(load_word(pixels[k] + i));
                to[4 + k] = bytes_13(load_word(pixels[k] + i));
            }
        }
        return to;
    }
#endif
};

// Widens kRows rows of kElements inputs, kRowStep apart, of the left and of the right pixel of a block, a row after the
// other. A word gives the pairs of inputs (0, 2) of both pixels and (1, 3) of both.
template <int kRows, int kRowStep, int kElements>
struct GatherRows {
    static_assert(kElements % 4 == 0, "a row of inputs is a number of words");

    // NOLINTNEXTLINE(readability-non-const-parameter): the assembler writes to it
    EITK_ALL_REGISTERS static void interleave(const int8_t* left, const int8_t* right, uint32_t* to) {
#if defined(__ARM_FEATURE_DSP)
        for (int row = 0; row < kRows; ++row) {
            const int8_t* const end = left + kElements;
            __asm__ volatile(
                ".if %c[odd]\n\t"
                "ldr r6, [%[left]], #4\n\t"
                "ldr r7, [%[right]], #4\n\t"
                "sxtb16 r4, r6\n\t"
                "sxtb16 r5, r7\n\t"
                "sxtb16 r6, r6, ror #8\n\t"
                "sxtb16 r7, r7, ror #8\n\t"
                "stmia %[to]!, {r4, r5, r6, r7}\n\t"
                ".endif\n"
                "1:\n\t"
                ".if %c[pairs]\n\t"
                "ldr r6, [%[left]], #4\n\t"
                "ldr r7, [%[right]], #4\n\t"
                "ldr r10, [%[left]], #4\n\t"
                "ldr r11, [%[right]], #4\n\t"
                "sxtb16 r4, r6\n\t"
                "sxtb16 r5, r7\n\t"
                "sxtb16 r6, r6, ror #8\n\t"
                "sxtb16 r7, r7, ror #8\n\t"
                "sxtb16 r8, r10\n\t"
                "sxtb16 r9, r11\n\t"
                "sxtb16 r10, r10, ror #8\n\t"
                "sxtb16 r11, r11, ror #8\n\t"
                "stmia %[to]!, {r4, r5, r6, r7, r8, r9, r10, r11}\n\t"
                ".endif\n\t"
                ".if %c[pairs] > 1\n\t"
                "cmp %[left], %[end]\n\t"
                "bne 1b\n\t"
                ".endif\n\t"
                : [left] "+r"(left), [right] "+r"(right), [to] "+r"(to)
                : [end] "r"(end), [odd] "i"(kElements / 4 % 2), [pairs] "i"(kElements / 8)
                : "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "memory", "cc");
            left += kRowStep - kElements;
            right += kRowStep - kElements;
        }
#else
        for (int row = 0; row < kRows; ++row, left += kRowStep, right += kRowStep) {
            for (int i = 0; i < kElements; i += 4, to += 4) {
                to[0] = bytes_02(load_word(left + i));
                to[1] = bytes_02(load_word(right + i));
                to[2] = bytes_13(load_word(left + i));
                to[3] = bytes_13(load_word(right + i));
            }
        }
#endif
    }
};

// S: the geometry as for Window; kRuns, kRunCols, kRunRowStep, kRunColStep, kRunElements as for Gather; kSharedRows,
// the rows of inputs that are gathered once for two pixels above two others, or 0; kConvRows and kConvCols, the output
// before the pool; kOutRows, kOutCols, kPoolRows, kPoolCols; kPixelRows and kPixelCols, the shape of a block, with
// kPixelRowStep and kPixelColStep between its pixels in the window; and the constants of BlockProduct. The pixels of a
// pool are adjacent in a block.
template <class S, class Source>
class Conv2D {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = S::kPixelRows / S::kPoolRows;

    // The pixels of the convolution that contribute to the output: a VALID pool may leave some at the end.
    static constexpr int kRows = smaller(S::kConvRows, S::kOutRows* S::kPoolRows);
    static constexpr int kCols = smaller(S::kConvCols, S::kOutCols* S::kPoolCols);
    static constexpr int kTailRows = kRows % S::kPixelRows;
    static constexpr int kTailCols = kCols % S::kPixelCols;
    // Whether the last block is computed as a whole if it reaches beyond the output: it begins further up or further
    // left, and computes some pixels again. A pool may not be divided.
    static constexpr bool kWholeRows = kRows >= S::kPixelRows && kTailRows % S::kPoolRows == 0;
    static constexpr bool kWholeCols = kCols >= S::kPixelCols && kTailCols % S::kPoolCols == 0;

    Conv2D(Source& source, int8_t* window, uint32_t* inputs, const uint32_t* table)
        : window_(source, window), inputs_(inputs), table_(table) {}

    // Computes the next rows of the output. For the last block, `out` needs room for rows beyond its end.
    void block(int8_t* out) { block_after(S::kStep, out); }

    // Moves on by `step` input rows and computes a block.
    void block_after(int step, int8_t* out) {
        const int8_t* x = window_.slide(step);
        row_ += S::kPixelRows;
        if (kWholeRows || row_ <= kRows) {
            blocks<S::kPixelRows>(x, out);
        } else {
            blocks<kWholeRows ? S::kPixelRows : kTailRows>(x, out);
        }
    }

private:
    // Computes blocks that have kBlockRows rows inside the output.
    template <int kBlockRows>
    void blocks(const int8_t* x, int8_t* out) const {
        for (int col = 0; col + S::kPixelCols <= kCols; col += S::kPixelCols) {
            pixels<kBlockRows, S::kPixelCols>(x, out);
            x += S::kPixelCols * S::kPixelColStep;
            out += S::kPixelCols / S::kPoolCols * S::kOutChannels;
        }
        if (kTailCols == 0) return;
        constexpr int kLeft = kWholeCols ? S::kPixelCols - kTailCols : 0;
        pixels<kBlockRows, kWholeCols ? S::kPixelCols : kTailCols>(x - kLeft * S::kPixelColStep,
                                                                   out - kLeft / S::kPoolCols * S::kOutChannels);
    }

    // Computes one block with kBlockRows x kBlockCols pixels inside the output. Pixels outside repeat one inside, which
    // leaves the maximum of a pool as it is.
    template <int kBlockRows, int kBlockCols>
    void pixels(const int8_t* x, int8_t* out) const {
        if (S::kSharedRows > 0) {
            using Inputs = GatherRows<S::kSharedRows, S::kRunRowStep, (S::kRunElements + 3) / 4 * 4>;
            Inputs::interleave(x, x + offset<kBlockRows, kBlockCols>(1), inputs_);
        } else {
            using Inputs = Gather<S::kRuns, S::kRunCols, S::kRunRowStep, S::kRunColStep, S::kRunElements>;
            Inputs::interleave(x + offset<kBlockRows, kBlockCols>(0), x + offset<kBlockRows, kBlockCols>(1),
                               x + offset<kBlockRows, kBlockCols>(2), x + offset<kBlockRows, kBlockCols>(3), inputs_);
        }
        BlockProduct<S, mask<kBlockRows, kBlockCols>()>::run(inputs_, table_, out);
    }

    template <int kBlockRows, int kBlockCols>
    static constexpr int offset(int i) {
        return smaller(i / S::kPixelCols, kBlockRows - 1) * S::kPixelRowStep +
               smaller(i % S::kPixelCols, kBlockCols - 1) * S::kPixelColStep;
    }

    template <int kBlockRows, int kBlockCols>
    static constexpr int mask() {
        return stored<kBlockRows, kBlockCols>(0) | stored<kBlockRows, kBlockCols>(1) |
               stored<kBlockRows, kBlockCols>(2) | stored<kBlockRows, kBlockCols>(3);
    }

    template <int kBlockRows, int kBlockCols>
    static constexpr int stored(int i) {
        return i % S::kPoolPixels == 0 && i / S::kPixelCols < kBlockRows && i % S::kPixelCols < kBlockCols ? 1 << i : 0;
    }

    Window<int8_t, S, Source> window_;
    uint32_t* inputs_;
    const uint32_t* table_;
    int row_ = 0;  // first row of the next block in the output of the convolution
};

// Runs a convolution completely and stores its output in a tensor, and nothing beyond its end.
template <class S, class Source>
inline void run(Conv2D<S, Source>& layer, int8_t* tensor) {
    using L = Conv2D<S, Source>;
    for (int row = 0; row < L::kOutRows; row += L::kBlockOutRows) {
        const int beyond = row + L::kBlockOutRows - L::kOutRows, up = L::kWholeRows && beyond > 0 ? beyond : 0;
        layer.block_after(S::kStep - up * (S::kStep / L::kBlockOutRows), tensor + (row - up) * L::kOutRowElements);
    }
}

}  // namespace kernels
}  // namespace eitk
