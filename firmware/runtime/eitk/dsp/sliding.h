// Mean and deviation over a window that slides along a column, mirrored at the ends.
#ifndef EITK_DSP_SLIDING_H
#define EITK_DSP_SLIDING_H

#include <math.h>
#include <stddef.h>

namespace eitk {
namespace dsp {

// `length` values, `stride` apart.
struct Column {
    const float* values;
    size_t length, stride;

    // Beyond an end the column runs back: -1 is 0, -2 is 1, `length` is `length` - 1.
    float mirrored(ptrdiff_t i) const {
        const ptrdiff_t period = 2 * static_cast<ptrdiff_t>(length);
        const ptrdiff_t at = ((i % period) + period) % period;
        return values[static_cast<size_t>(at < period / 2 ? at : period - 1 - at) * stride];
    }
};

// Starts at the column's first value; an odd window. The sums are in double and are carried from one place to the
// next: a step costs four additions however long the window is.
class SlidingSums {
public:
    SlidingSums(const Column& column, size_t window)
        : column_(column), half_(static_cast<ptrdiff_t>(window / 2)), share_(1.0 / static_cast<double>(window)) {
        for (ptrdiff_t i = -half_; i <= half_; ++i) enter(static_cast<double>(column_.mirrored(i)));
    }

    void step() {
        leave(static_cast<double>(column_.mirrored(place_ - half_)));
        ++place_;
        enter(static_cast<double>(column_.mirrored(place_ + half_)));
    }

    double mean() const { return sum_ * share_; }

    float deviation() const {
        const double mean_of_all = mean();
        const float variance = static_cast<float>(squares_ * share_ - mean_of_all * mean_of_all);
        return variance > 0.0f ? sqrtf(variance) : 0.0f;
    }

private:
    void enter(double value) {
        sum_ += value;
        squares_ += value * value;
    }

    void leave(double value) {
        sum_ -= value;
        squares_ -= value * value;
    }

    Column column_;
    ptrdiff_t half_;
    double share_;  // of one frame in the window
    ptrdiff_t place_ = 0;
    double sum_ = 0.0, squares_ = 0.0;
};

}  // namespace dsp
}  // namespace eitk

#endif
