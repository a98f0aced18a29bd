// Writes features in the format of the model's input, and decides whether a feature computed in float is accurate
// enough.
//
// Training computes features in float64. Computed in float32 only, about one int8 input in a hundred thousand would
// have another value, which affects a few windows in a hundred. So every block computes in float with a bound on the
// error, and `try_quantize` returns whether all values within the bound have the same result. If not, the
// block computes the frame again in double-float arithmetic (double_float.h) and calls `write`. This is the
// floating-point filter of computational geometry (Shewchuk 1997; for elementary functions Ziv 1991): nearly the speed
// of float with the results of double.
#ifndef EITK_DSP_FEATURES_H
#define EITK_DSP_FEATURES_H

#include <stddef.h>
#include <stdint.h>

namespace eitk {
namespace dsp {

// Greatest accepted error bound of a float feature, and of a row that is normalised later. The actual errors are about
// a tenth of their bounds.
constexpr float kFloatTolerance = 5e-6f;
constexpr float kRowTolerance = 8e-5f;
constexpr float kUnbounded = 1e30f;

class FeatureWriter {
public:
    // Writes int8 features, quantised as the model's input tensor: q = round(x / scale) + zero_point, halves away from
    // zero.
    FeatureWriter(int8_t* out, float scale, int zero_point)
        : int8_out_(out), scale_(scale), inverse_scale_(1.0f / scale), zero_point_(zero_point) {}

    // Writes float features.
    explicit FeatureWriter(float* out, float tolerance = kFloatTolerance) : float_out_(out), tolerance_(tolerance) {}

    // Moves to the next row, `count` features further.
    void advance(size_t count) {
        if (int8_out_ != nullptr) {
            int8_out_ += count;
        } else {
            float_out_ += count;
        }
    }

    // Writes feature i. True if all values within `bound` of `value` have the same result.
    bool try_quantize(size_t i, float value, float bound) {
        if (float_out_ != nullptr) {
            float_out_[i] = value;
            return bound <= tolerance_;
        }
        const float steps = limit(value * inverse_scale_);
        const float nearest = static_cast<float>(round_half_away(steps));
        const float distance = steps > nearest ? steps - nearest : nearest - steps;
        int8_out_[i] = saturate(static_cast<int>(nearest));
        return distance + bound * inverse_scale_ + kDivisionError * (steps < 0 ? -steps : steps) < 0.5f;
    }

    // Writes feature i. The division by the scale is in float, as in training.
    void write(size_t i, double value) {
        const float x = static_cast<float>(value);
        if (float_out_ != nullptr) {
            float_out_[i] = x;
        } else {
            int8_out_[i] = saturate(round_half_away(limit(x / scale_)));
        }
    }

private:
    static constexpr float kDivisionError = 4e-7f;  // relative error of x * (1 / s) against x / s, three roundings

    // Limits `steps` to a range that int holds. NaN becomes the lower limit.
    static float limit(float steps) { return steps > -1e4f ? (steps < 1e4f ? steps : 1e4f) : -1e4f; }

    static int round_half_away(float steps) {
        const int whole = static_cast<int>(steps);
        const float fraction = steps - static_cast<float>(whole);
        return fraction >= 0.5f ? whole + 1 : fraction <= -0.5f ? whole - 1 : whole;
    }

    int8_t saturate(int steps) const {
        const int q = steps + zero_point_;
        return static_cast<int8_t>(q > 127 ? 127 : q < -128 ? -128 : q);
    }

    int8_t* int8_out_ = nullptr;  // one of the two outputs is null
    float* float_out_ = nullptr;
    float tolerance_ = 0.0f;
    float scale_ = 1.0f, inverse_scale_ = 1.0f;
    int zero_point_ = 0;
};

}  // namespace dsp
}  // namespace eitk

#endif
