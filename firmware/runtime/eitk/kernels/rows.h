// Layers as streams of rows. The function `next()` of a source returns one row of its tensor after the other. A layer
// reads rows from a source, keeps those that its kernel still needs in a window, and is itself a source. So a
// convolution and the pool that follows it, or a whole chain of layers, run without tensors between them.
#pragma once

#include "eitk/kernels/simd.h"

namespace eitk {
namespace kernels {

// The rows of a tensor in memory.
template <class T, int kRowElements>
class TensorRows {
public:
    using Element = T;
    static constexpr bool kRowsStay = true;  // whether a row can be read after the next was returned
    static constexpr bool kAligned = true;   // whether rows of whole words are at addresses that are multiples of four
    explicit TensorRows(const T* tensor) : row_(tensor) {}
    const T* next() {
        const T* row = row_;
        row_ += kRowElements;
        return row;
    }

private:
    const T* row_;
};

// The rows of an input that is not in memory: the caller of the model returns one after the other.
template <class T>
class CallerRows {
public:
    using Element = T;
    static constexpr bool kRowsStay = false;
    static constexpr bool kAligned = false;
    CallerRows(const T* (*next_row)(void*), void* context) : next_row_(next_row), context_(context) {}
    const T* next() { return next_row_(context_); }

private:
    const T* (*next_row_)(void*);
    void* context_;
};

// A layer as a source. It computes blocks of L::kBlockOutRows rows, which `next` returns one by one.
template <class L>
class LayerRows {
public:
    using Element = typename L::Output;
    static constexpr bool kRowsStay = false;
    static constexpr bool kAligned = true;
    LayerRows(L& layer, Element* buffer) : layer_(layer), buffer_(buffer) {}
    const Element* next() {
        if (used_ == L::kBlockOutRows) {
            layer_.block(buffer_);
            used_ = 0;
        }
        return buffer_ + L::kOutRowElements * used_++;
    }

private:
    L& layer_;
    Element* buffer_;
    int used_ = L::kBlockOutRows;
};

// Runs a layer completely and stores its output in a tensor. A layer does not write rows beyond the end of its output.
template <class L>
inline void run(L& layer, typename L::Output* tensor) {
    for (int row = 0; row < L::kOutRows; row += L::kBlockOutRows) {
        layer.block(tensor + row * L::kOutRowElements);
    }
}

// The rows that a kernel reads for one block of its output, with the padding around them. The window slides down the
// input. W: kInRows, kRowElements, kWindowRows; kStep, the rows from one block to the next; kPadTop in rows, kPadLeft
// and kPadRight in elements; kPadValue.
template <class T, class W, class Source>
class Window {
public:
    static constexpr int kWidth = W::kPadLeft + W::kRowElements + W::kPadRight;

    Window(Source& source, T* data) : source_(source), data_(data) {}

    // Moves the window to the next block, which begins `step` rows further. Returns its first element.
    const T* slide(int step = W::kStep) {
        int filled = 0;
        if (started_) {
            constexpr bool kWords = sizeof(T) * kWidth % 4 == 0;
            filled = W::kWindowRows > step ? W::kWindowRows - step : 0;
            move_down<kWords>(data_, data_ + (W::kWindowRows - filled) * kWidth,
                              static_cast<int>(sizeof(T)) * filled * kWidth);
            for (int i = W::kWindowRows; i < step; ++i) next_input_row();
        }
        started_ = true;
        for (T* row = data_ + filled * kWidth; filled < W::kWindowRows; ++filled, row += kWidth) fill(row);
        return data_;
    }

private:
    // The next input row; nullptr for a row of padding above or below the tensor.
    const typename Source::Element* next_input_row() {
        const bool inside = row_ >= 0 && row_ < W::kInRows;
        ++row_;
        return inside ? source_.next() : nullptr;
    }

    void fill(T* row) {
        const typename Source::Element* values = next_input_row();
        if (values == nullptr) return pad(row, kWidth);
        pad(row, W::kPadLeft);
        constexpr bool kBytes = sizeof(T) == 1 && sizeof(typename Source::Element) == 1;
        if (kBytes && Source::kAligned && (W::kPadLeft | W::kRowElements | kWidth) % 4 == 0) {
            move_down<true>(row + W::kPadLeft, values, W::kRowElements);
        } else {
            widen(values, row + W::kPadLeft, W::kRowElements);
        }
        pad(row + W::kPadLeft + W::kRowElements, W::kPadRight);
    }

    static void pad(T* to, int count) {
        for (int i = 0; i < count; ++i) to[i] = W::kPadValue;
    }

    Source& source_;
    T* data_;
    int row_ = -W::kPadTop;
    bool started_ = false;
};

}  // namespace kernels
}  // namespace eitk
