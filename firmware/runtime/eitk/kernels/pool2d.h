// MAX_POOL_2D and AVERAGE_POOL_2D on int8, int16 and float, row by row, with any size, stride and padding.
#pragma once

#include <float.h>

#include "eitk/kernels/rows.h"

namespace eitk {
namespace kernels {

// The maximum of a pool, clamped to the range of the activation function.
template <class S>
struct Largest {
    using Element = typename S::Element;
    Element value = S::min();
    void add(Element x) {
        if (x > value) value = x;
    }
    Element result(int) const { return value > S::max() ? S::max() : value; }
};

// The mean of a pool of integers, rounded, halves away from zero.
template <class S>
struct MeanInt {
    using Element = typename S::Element;
    int32_t sum = 0;
    void add(Element x) { sum += x; }
    Element result(int count) const {
        const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
        return static_cast<Element>(mean < S::min() ? S::min() : (mean > S::max() ? S::max() : mean));
    }
};

// The same for uint8 values, each lowered by 128: halves are rounded up.
template <class S>
struct MeanUint8 {
    int32_t sum = 0;
    void add(int8_t x) { sum += x + 128; }
    int8_t result(int count) const {
        const int32_t mean = (sum + count / 2) / count - 128;
        return static_cast<int8_t>(mean < S::min() ? S::min() : (mean > S::max() ? S::max() : mean));
    }
};

template <class S>
struct MeanFloat {
    float sum = 0;
    void add(float x) { sum += x; }
    float result(int count) const {
        const float mean = sum / static_cast<float>(count);
        return mean < S::min() ? S::min() : (mean > S::max() ? S::max() : mean);
    }
};

// S: the geometry as for Window; min() and max(), the range of the activation function; kPoolRows, kPoolCols,
// kColStride, kChannels, kInCols; kPadCols, the number of columns of padding on the left.
template <class S, class Source, template <class> class Reduction>
class Pool2D {
public:
    using Output = typename S::Element;
    static constexpr int kOutRows = S::kOutRows;
    static constexpr int kOutRowElements = S::kOutCols * S::kChannels;
    static constexpr int kBlockOutRows = 1;

    Pool2D(Source& source, Output* window) : window_(source, window) {}

    void block(Output* out) {
        const Output* x = window_.slide();
        const int first = row_ < 0 ? -row_ : 0;
        const int last = S::kInRows - row_ < S::kPoolRows ? S::kInRows - row_ : S::kPoolRows;
        for (int col = 0; col < S::kOutCols; ++col) {
            const int left = col * S::kColStride - S::kPadCols;
            const int begin = left < 0 ? 0 : left;
            const int end = left + S::kPoolCols < S::kInCols ? left + S::kPoolCols : S::kInCols;
            for (int c = 0; c < S::kChannels; ++c) *out++ = reduce(x + c, first, last, begin, end);
        }
        row_ += S::kStep;
    }

private:
    static Output reduce(const Output* x, int first, int last, int begin, int end) {
        Reduction<S> reduction;
        for (int r = first; r < last; ++r) {
            for (int c = begin; c < end; ++c) reduction.add(x[(r * S::kInCols + c) * S::kChannels]);
        }
        return reduction.result((last - first) * (end - begin));
    }

    Window<Output, S, Source> window_;
    int row_ = -S::kPadTop;  // first input row of the window
};

}  // namespace kernels
}  // namespace eitk
