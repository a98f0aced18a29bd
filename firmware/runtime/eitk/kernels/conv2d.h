// CONV_2D on int8, fused with the max pool that follows it, if any.
//
// Rows are widened once to int16 and padded in a window, so that the inputs of a pixel are a few contiguous runs and
// im2col is not needed. Four pixels and two channels are accumulated at a time in eight registers. A pooled pixel is
// the maximum of its accumulators, taken before they are scaled (scaling is monotonic), so that the unpooled output is
// never stored.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// Accumulators of four pixels for two channels a and b.
struct ConvSums {
    int32_t a0, a1, a2, a3;
    int32_t b0, b1, b2, b3;
};

// Offset of the i-th contiguous run of inputs of a pixel.
template <class S>
constexpr int run_offset(int i) {
    return i / S::kRunCols * S::kRunRowStep + i % S::kRunCols * S::kRunColStep;
}

// Offset of the i-th pixel of a block of four.
template <class S>
constexpr int pixel_offset(int i) {
    return i / S::kPixelCols * S::kPixelRowStep + i % S::kPixelCols * S::kPixelColStep;
}

// Loads the weights of one pair of inputs for two channels: the bytes a0 b0 a1 b1, or the int16 values a0 a1 b0 b1.
inline void weight_pairs(const int8_t* weights, uint32_t& a, uint32_t& b) {
    const uint32_t word = load_word(weights);
    a = bytes_02(word);
    b = bytes_13(word);
}

inline void weight_pairs(const int16_t* weights, uint32_t& a, uint32_t& b) {
    a = load_word(weights);
    b = load_word(weights + 2);
}

// Adds the products of all inputs of a block to its accumulators. Returns the weights of the next pair of channels.
// S has the constants of one layer: a pixel has kRuns runs of kRunElements inputs; Weight is int8_t, or int16_t where
// eitk's compiler traded flash for speed. Order of the weights: pair of channels, run, pair of inputs.
template <class S>
inline const typename S::Weight* conv_sums_portable(const int16_t* x, const typename S::Weight* weights, ConvSums& s) {
    for (int run = 0; run < S::kRuns; ++run) {
        const int16_t* p = x + run_offset<S>(run);
        for (int i = 0; i < S::kRunElements; i += 2, p += 2, weights += 4) {
            uint32_t wa = 0, wb = 0;
            weight_pairs(weights, wa, wb);
            const uint32_t x0 = load_word(p + pixel_offset<S>(0)), x1 = load_word(p + pixel_offset<S>(1));
            const uint32_t x2 = load_word(p + pixel_offset<S>(2)), x3 = load_word(p + pixel_offset<S>(3));
            s.a0 = dual_mac(x0, wa, s.a0);
            s.a1 = dual_mac(x1, wa, s.a1);
            s.a2 = dual_mac(x2, wa, s.a2);
            s.a3 = dual_mac(x3, wa, s.a3);
            s.b0 = dual_mac(x0, wb, s.b0);
            s.b1 = dual_mac(x1, wb, s.b1);
            s.b2 = dual_mac(x2, wb, s.b2);
            s.b3 = dual_mac(x3, wb, s.b3);
        }
    }
    return weights;
}

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables): the assembler writes to these variables

// Sixteen multiplications in fifteen instructions, or in thirteen with int16 weights: one pair of inputs for each of
// four pixels times one pair of weights for each of two channels.
#define EITK_CONV_STEP(load_weights)           \
    load_weights                               \
        "ldr %[px], [%[x], %[o1]]\n\t"         \
        "smlad %[a1], %[px], %[wa], %[a1]\n\t" \
        "smlad %[b1], %[px], %[wb], %[b1]\n\t" \
        "ldr %[px], [%[x], %[o2]]\n\t"         \
        "smlad %[a2], %[px], %[wa], %[a2]\n\t" \
        "smlad %[b2], %[px], %[wb], %[b2]\n\t" \
        "ldr %[px], [%[x], %[o3]]\n\t"         \
        "smlad %[a3], %[px], %[wa], %[a3]\n\t" \
        "smlad %[b3], %[px], %[wb], %[b3]\n\t" \
        "ldr %[px], [%[x]], #4\n\t"            \
        "smlad %[a0], %[px], %[wa], %[a0]\n\t" \
        "smlad %[b0], %[px], %[wb], %[b0]\n\t"

#define EITK_NARROW             \
    "ldr %[wb], [%[w]], #4\n\t" \
    "sxtb16 %[wa], %[wb]\n\t"   \
    "sxtb16 %[wb], %[wb], ror #8\n\t"
#define EITK_WIDE "ldrd %[wa], %[wb], [%[w]], #8\n\t"

// The loop over all runs, in one assembler statement: every register is in use, and the compiler would spill the
// accumulators. The end of the weights is therefore stored on the stack.
#define EITK_CONV_RUNS(steps)                                                                                   \
    __asm__ volatile(                                                                                           \
        "push {%[wa]}\n"                                                                                        \
        "0:\n\t"                                                                                                \
        "add %[end], %[w], %[run]\n"                                                                            \
        "1:\n\t" steps                                                                                          \
        "cmp %[w], %[end]\n\t"                                                                                  \
        "bne 1b\n\t"                                                                                            \
        "ldr %[wa], [sp]\n\t"                                                                                   \
        "add %[x], %[x], %[gap]\n\t"                                                                            \
        "cmp %[w], %[wa]\n\t"                                                                                   \
        "bne 0b\n\t"                                                                                            \
        "add sp, sp, #4\n\t"                                                                                    \
        : [a0] "+r"(s.a0), [a1] "+r"(s.a1), [a2] "+r"(s.a2), [a3] "+r"(s.a3), [b0] "+r"(s.b0), [b1] "+r"(s.b1), \
          [b2] "+r"(s.b2), [b3] "+r"(s.b3), [x] "+r"(x), [w] "+r"(weights), [wa] "+r"(wa), [wb] "=&r"(wb),      \
          [px] "=&r"(pixel), [end] "=&r"(end)                                                                   \
        : [o1] "i"(2 * pixel_offset<S>(1)), [o2] "i"(2 * pixel_offset<S>(2)), [o3] "i"(2 * pixel_offset<S>(3)), \
          [run] "i"(run_bytes<S>()), [gap] "i"(2 * (S::kRunRowStep - S::kRunElements))                          \
        : "memory", "cc")

// Unrolls by the largest number of steps that divides a run.
#define EITK_CONV_LOOP(step)                 \
    if (S::kRunElements % 8 == 0) {          \
        EITK_CONV_RUNS(step step step step); \
    } else if (S::kRunElements % 6 == 0) {   \
        EITK_CONV_RUNS(step step step);      \
    } else if (S::kRunElements % 4 == 0) {   \
        EITK_CONV_RUNS(step step);           \
    } else {                                 \
        EITK_CONV_RUNS(step);                \
    }

// Size of the weights of one run in bytes.
template <class S>
constexpr int run_bytes() {
    return 2 * S::kRunElements * static_cast<int>(sizeof(typename S::Weight));
}

template <class S>
inline const int8_t* conv_sums_dsp(const int16_t* x, const int8_t* weights, ConvSums& s) {
    const int8_t* wa = weights + S::kRuns * run_bytes<S>();  // holds the end of the weights until the first step
    uint32_t wb, pixel;
    const int8_t* end;
    EITK_CONV_LOOP(EITK_CONV_STEP(EITK_NARROW));
    return weights;
}

template <class S>
inline const int16_t* conv_sums_dsp(const int16_t* x, const int16_t* weights, ConvSums& s) {
    const int16_t* wa = weights + S::kRuns * run_bytes<S>() / 2;
    uint32_t wb, pixel;
    const int16_t* end;
    EITK_CONV_LOOP(EITK_CONV_STEP(EITK_WIDE));
    return weights;
}

// Whether all offsets of a layer fit the immediate fields of the instructions, and its runs are equally spaced.
template <class S>
constexpr bool fits_dsp() {
    return S::kRunCols == 1 && pixel_offset<S>(3) < 2048 && S::kRunRowStep < 2048 && run_bytes<S>() < 4096 &&
           S::kRunRowStep >= S::kRunElements;
}

template <class S, bool kFits>
struct ConvSumsOf {
    using Weight = typename S::Weight;
    static const Weight* add(const int16_t* x, const Weight* weights, ConvSums& s) {
        return conv_sums_portable<S>(x, weights, s);
    }
};

template <class S>
struct ConvSumsOf<S, true> {
    using Weight = typename S::Weight;
    static const Weight* add(const int16_t* x, const Weight* weights, ConvSums& s) {
        return conv_sums_dsp<S>(x, weights, s);
    }
};

template <class S>
inline const typename S::Weight* conv_sums(const int16_t* x, const typename S::Weight* weights, ConvSums& s) {
    return ConvSumsOf<S, fits_dsp<S>()>::add(x, weights, s);
}

// NOLINTEND(cppcoreguidelines-init-variables)

#else

template <class S>
inline const typename S::Weight* conv_sums(const int16_t* x, const typename S::Weight* weights, ConvSums& s) {
    return conv_sums_portable<S>(x, weights, s);
}

#endif

struct FourSums {
    int32_t pixel[4];
};

constexpr int smaller(int a, int b) { return a < b ? a : b; }

// The maximum accumulator of one pool over its pixels inside the output of the convolution.
template <class S, bool kWhole>
inline int32_t pooled(const FourSums& sums, int rows, int cols, int row, int col) {
    int32_t largest = sums.pixel[row * S::kPixelCols + col];
#pragma GCC unroll 4
    for (int r = row; r < row + S::kPoolRows; ++r) {
#pragma GCC unroll 4
        for (int c = col; c < col + S::kPoolCols; ++c) {
            const int32_t sum = sums.pixel[r * S::kPixelCols + c];
            if ((kWhole || (r < rows && c < cols)) && sum > largest) largest = sum;
        }
    }
    return largest;
}

template <class S, class Source>
class Conv2D {
public:
    using Output = int8_t;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kOutChannels;
    static constexpr int kBlockOutRows = S::kPixelRows / S::kPoolRows;

    // Rows and columns inside the output of the convolution and inside a pool. A VALID pool may leave some at the end.
    static constexpr int kWholeRows = smaller(S::kConvRows, S::kOutRows* S::kPoolRows);
    static constexpr int kWholeCols = smaller(S::kConvCols, S::kOutCols* S::kPoolCols);
    static constexpr bool kAnyWhole = kWholeRows >= S::kPixelRows && kWholeCols >= S::kPixelCols;

    Conv2D(Source& source, int16_t* window, const typename S::Weight* weights, const Channel* channels)
        : window_(source, window), weights_(weights), channels_(channels) {}

    // Computes the next rows of the output. Rows beyond its end are not written.
    void block(int8_t* out) {
        const int16_t* x = window_.slide();
        for (int col = 0; col < S::kOutCols * S::kPoolCols; col += S::kPixelCols) {
            int8_t* const to = out + col / S::kPoolCols * S::kOutChannels;
            if (kAnyWhole && row_ + S::kPixelRows <= kWholeRows && col + S::kPixelCols <= kWholeCols) {
                pixels<kAnyWhole>(x, col, to);
            } else {
                pixels<false>(x, col, to);
            }
            x += S::kPixelCols * S::kPixelColStep;
        }
        row_ += S::kPixelRows;
    }

private:
    // Computes all channels of one block of four pixels. kWhole: all four are inside the output.
    template <bool kWhole>
    EITK_ALL_REGISTERS void pixels(const int16_t* x, int col, int8_t* out) const {
        const typename S::Weight* weights = weights_;
        const Channel* channel = channels_;
        for (int c = 0; c < S::kOutChannels; c += 2, channel += 2) {
            const int32_t a = channel[0].bias, b = channel[1].bias;
            ConvSums sums = {a, a, a, a, b, b, b, b};
            weights = conv_sums<S>(x, weights, sums);
            store<kWhole>({sums.a0, sums.a1, sums.a2, sums.a3}, channel[0], col, out + c);
            if (c + 1 < S::kOutChannels)
                store<kWhole>({sums.b0, sums.b1, sums.b2, sums.b3}, channel[1], col, out + c + 1);
        }
    }

// GCC 12 warns about accesses for pixels outside the output, which are skipped.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
    // Writes one channel of a block.
    template <bool kWhole>
    void store(const FourSums& sums, const Channel& channel, int col, int8_t* out) const {
        const int rows = S::kConvRows - row_, cols = S::kConvCols - col;
#pragma GCC unroll 4
        for (int r = 0; r < S::kPixelRows; r += S::kPoolRows) {
#pragma GCC unroll 4
            for (int c = 0; c < S::kPixelCols; c += S::kPoolCols) {
                if (!kWhole && (row_ + r >= S::kOutRows * S::kPoolRows || col + c >= S::kOutCols * S::kPoolCols))
                    continue;
                const int32_t sum = pooled<S, kWhole>(sums, rows, cols, r, c);
                out[r / S::kPoolRows * kOutRowElements + c / S::kPoolCols * S::kOutChannels] =
                    requantize<S>(sum, channel.multiplier, channel.shift);
            }
        }
    }
#pragma GCC diagnostic pop

    Window<int16_t, S, Source> window_;
    const typename S::Weight* weights_;
    const Channel* channels_;
    int row_ = 0;  // first row of the next block in the output of the convolution
};

}  // namespace kernels
}  // namespace eitk
