// Where features go, and when a feature computed in float is good enough.
//
// Training computes features in float64; a board that computed them in float32 would give about one int8 input in a
// hundred thousand another value, which is a few windows in a hundred. So every block works in float with a bound on
// its error and asks `settle` whether all values within the bound come out the same. Where they do not, the block
// computes that frame again with twice the digits (twofold.h) and calls `put`. This is the floating-point filter of
// computational geometry (Shewchuk 1997; Ziv 1991 for functions): nearly the speed of float, the result of double.
#ifndef EITK_DSP_FEATURES_H
#define EITK_DSP_FEATURES_H

#include <stddef.h>
#include <stdint.h>

namespace eitk {
namespace dsp {

// Largest bound on the error of a feature that goes out as float, and of a raw row that is yet to be normalised. The
// errors themselves are about a tenth of their bounds.
constexpr float kFloatTolerance = 5e-6f;
constexpr float kRowTolerance = 8e-5f;
constexpr float kUnbounded = 1e30f;

class FeatureWriter {
public:
    // Features quantised as the model's input tensor: q = round(x / scale) + zero_point, halves away from zero.
    FeatureWriter(int8_t* out, float scale, int zero_point)
        : quantised_(out), scale_(scale), inverse_(1.0f / scale), zero_point_(zero_point) {}

    explicit FeatureWriter(float* out, float tolerance = kFloatTolerance) : plain_(out), tolerance_(tolerance) {}

    // The next row starts behind the `count` features of this one.
    void advance(size_t count) {
        if (quantised_ != nullptr)
            quantised_ += count;
        else
            plain_ += count;
    }

    // Writes feature i if every value within `bound` of `value` gives the same; says whether it did.
    bool settle(size_t i, float value, float bound) {
        if (plain_ != nullptr) {
            plain_[i] = value;
            return bound <= tolerance_;
        }
        const float steps = limited(value * inverse_);
        const float nearest = static_cast<float>(rounded(steps));
        const float distance = steps > nearest ? steps - nearest : nearest - steps;
        quantised_[i] = clamped(static_cast<int>(nearest));
        return distance + bound * inverse_ + kDivisionError * (steps < 0 ? -steps : steps) < 0.5f;
    }

    // Writes feature i. The division is in float, as in training.
    void put(size_t i, double value) {
        const float x = static_cast<float>(value);
        if (plain_ != nullptr)
            plain_[i] = x;
        else
            quantised_[i] = clamped(rounded(limited(x / scale_)));
    }

private:
    static constexpr float kDivisionError = 4e-7f;  // relative: x * (1 / s) against x / s, three roundings

    // What is not a number becomes the least.
    static float limited(float steps) { return steps > -1e4f ? (steps < 1e4f ? steps : 1e4f) : -1e4f; }

    static int rounded(float steps) {
        const int whole = static_cast<int>(steps);
        const float rest = steps - static_cast<float>(whole);
        return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
    }

    int8_t clamped(int steps) const {
        const int q = steps + zero_point_;
        return static_cast<int8_t>(q > 127 ? 127 : q < -128 ? -128 : q);
    }

    int8_t* quantised_ = nullptr;
    float* plain_ = nullptr;
    float tolerance_ = 0.0f;
    float scale_ = 1.0f, inverse_ = 1.0f;
    int zero_point_ = 0;
};

}  // namespace dsp
}  // namespace eitk

#endif
