// CONV_2D on int8, with the max pool behind it where there is one.
//
// Rows are widened once to int16 and padded in a window, so that the inputs of a pixel are a few straight runs: no
// im2col. Four pixels and two channels are summed at a time in eight registers. A pooled pixel is the largest of
// its sums, taken before they are scaled (scaling keeps the order), so the unpooled output never exists.
#pragma once

#include "eitk/kernels/requantize.h"
#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// Sums of four pixels, for two channels a and b.
struct ConvSums {
  int32_t a[4];
  int32_t b[4];
};

// Offset of the i-th of the straight runs of inputs that a pixel sees.
template <class S>
constexpr int run_offset(int i) {
  return i / S::kRunCols * S::kRunRowStep + i % S::kRunCols * S::kRunColStep;
}

// Offset of the i-th of the four pixels of a block.
template <class S>
constexpr int pixel_offset(int i) {
  return i / S::kPixelCols * S::kPixelRowStep + i % S::kPixelCols * S::kPixelColStep;
}

// S: the constants of one layer; kRuns runs of kRunElements inputs make a pixel.
// Weights: for each pair of channels, run and pair of inputs the bytes a0 b0 a1 b1.
template <class S>
inline const int8_t* conv_sums(const int16_t* x, const int8_t* weights, int32_t bias_a, int32_t bias_b, ConvSums& out) {
  int32_t a0 = bias_a, a1 = bias_a, a2 = bias_a, a3 = bias_a;
  int32_t b0 = bias_b, b1 = bias_b, b2 = bias_b, b3 = bias_b;
  for (int run = 0; run < S::kRuns; ++run) {
    const int16_t* p = x + run_offset<S>(run);
#pragma GCC unroll 4
    for (int i = 0; i < S::kRunElements; i += 2) {
      const uint32_t w = load_word(weights);
      const uint32_t wa = bytes_02(w), wb = bytes_13(w);
      const uint32_t x0 = load_word(p + pixel_offset<S>(0));
      a0 = dual_mac(x0, wa, a0);
      b0 = dual_mac(x0, wb, b0);
      const uint32_t x1 = load_word(p + pixel_offset<S>(1));
      a1 = dual_mac(x1, wa, a1);
      b1 = dual_mac(x1, wb, b1);
      const uint32_t x2 = load_word(p + pixel_offset<S>(2));
      a2 = dual_mac(x2, wa, a2);
      b2 = dual_mac(x2, wb, b2);
      const uint32_t x3 = load_word(p + pixel_offset<S>(3));
      a3 = dual_mac(x3, wa, a3);
      b3 = dual_mac(x3, wb, b3);
      weights += 4;
      p += 2;
    }
  }
  out = {{a0, a1, a2, a3}, {b0, b1, b2, b3}};
  return weights;
}

// The largest sum of one pool among those of its pixels that lie inside the convolution's output.
template <class S>
inline int32_t pooled(const int32_t* sums, int rows, int cols, int row, int col) {
  int32_t largest = INT32_MIN;
#pragma GCC unroll 4
  for (int r = row; r < row + S::kPoolRows; ++r) {
#pragma GCC unroll 4
    for (int c = col; c < col + S::kPoolCols; ++c) {
      const int32_t sum = sums[r * S::kPixelCols + c];
      if (r < rows && c < cols && sum > largest) largest = sum;
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

  Conv2D(Source& source, int16_t* window, const int8_t* weights, const Channel* channels)
      : window_(source, window), weights_(weights), channels_(channels) {}

  // Computes the next rows of the output; rows below its end are not written.
  void block(int8_t* out) {
    const int16_t* x = window_.slide();
    for (int col = 0; col < S::kOutCols * S::kPoolCols; col += S::kPixelCols) {
      pixels(x, col, out + col / S::kPoolCols * S::kOutChannels);
      x += S::kPixelCols * S::kPixelColStep;
    }
    row_ += S::kPixelRows;
  }

 private:
  // All channels of one block of four pixels.
  void pixels(const int16_t* x, int col, int8_t* out) const {
    const int8_t* weights = weights_;
    const Channel* channel = channels_;
    ConvSums sums;
    for (int c = 0; c < S::kOutChannels; c += 2, channel += 2) {
      weights = conv_sums<S>(x, weights, channel[0].bias, channel[1].bias, sums);
      store(sums.a, channel[0], col, out + c);
      if (c + 1 < S::kOutChannels) store(sums.b, channel[1], col, out + c + 1);
    }
  }

  // Writes one channel of a block.
  void store(const int32_t* sums, const Channel& channel, int col, int8_t* out) const {
    const int rows = S::kConvRows - row_, cols = S::kConvCols - col;
    const bool whole = rows >= S::kPixelRows && cols >= S::kPixelCols;
#pragma GCC unroll 4
    for (int r = 0; r < S::kPixelRows; r += S::kPoolRows) {
#pragma GCC unroll 4
      for (int c = 0; c < S::kPixelCols; c += S::kPoolCols) {
        if (!whole && (row_ + r >= S::kOutRows * S::kPoolRows || col + c >= S::kOutCols * S::kPoolCols)) continue;
        const int32_t sum = whole ? pooled<S>(sums, 4, 4, r, c) : pooled<S>(sums, rows, cols, r, c);
        out[r / S::kPoolRows * kOutRowElements + c / S::kPoolCols * S::kOutChannels] =
            requantize<S>(sum, channel.multiplier, channel.shift);
      }
    }
  }

  Window<int16_t, S, Source> window_;
  const int8_t* weights_;
  const Channel* channels_;
  int row_ = 0;  // row of the convolution's output that the next block begins with
};

}  // namespace kernels
}  // namespace eitk
