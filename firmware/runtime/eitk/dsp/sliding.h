// Mean and standard deviation over a window that slides along a column, mirrored at its ends.
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

    // Value i, where the column is mirrored at both ends: -1 is 0, -2 is 1, `length` is `length` - 1.
    float mirrored(ptrdiff_t i) const {
        const auto period = 2 * static_cast<ptrdiff_t>(length);
        const ptrdiff_t position = ((i % period) + period) % period;
        return values[static_cast<size_t>(position < period / 2 ? position : period - 1 - position) * stride];
    }
};

// The sums over `window` values, an odd number, centred on one value of the column. The first centre is value 0. The
// sums are in double and updated at each step, so that a step costs four additions however long the window is.
class SlidingSums {
public:
    SlidingSums(const Column& column, size_t window)
        : column_(column), half_(static_cast<ptrdiff_t>(window / 2)), inverse_(1.0 / static_cast<double>(window)) {
        for (ptrdiff_t i = -half_; i <= half_; ++i) add(static_cast<double>(column_.mirrored(i)));
    }

    // Moves the centre to the next value.
    void step() {
        remove(static_cast<double>(column_.mirrored(centre_ - half_)));
        ++centre_;
        add(static_cast<double>(column_.mirrored(centre_ + half_)));
    }

    double mean() const { return sum_ * inverse_; }

    float standard_deviation() const {
        const double average = mean();
        const float variance = static_cast<float>(sum_of_squares_ * inverse_ - average * average);
        return variance > 0.0f ? sqrtf(variance) : 0.0f;
    }

private:
    void add(double value) {
        sum_ += value;
        sum_of_squares_ += value * value;
    }

    void remove(double value) {
        sum_ -= value;
        sum_of_squares_ -= value * value;
    }

    Column column_;
    ptrdiff_t half_;
    double inverse_;  // 1 / window
    ptrdiff_t centre_ = 0;
    double sum_ = 0.0, sum_of_squares_ = 0.0;
};

}  // namespace dsp
}  // namespace eitk

#endif
