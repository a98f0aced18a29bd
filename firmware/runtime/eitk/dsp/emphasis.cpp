#include "eitk/dsp/emphasis.h"

// MFE rounds its emphasised samples to float32, product and difference each, and training sees them so. A fused
// multiply-add would round once, and differ.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("O2", "fp-contract=off")
#endif

namespace eitk {
namespace dsp {

int emphasise(const Frame& frame, const Emphasis& emphasis, size_t used, float* x) {
    const size_t shift = emphasis.shift;
    for (size_t i = used; i-- > shift;) {
        const float product = emphasis.weight * x[i - shift];
        x[i] = emphasis.gain * x[i] - product;
    }
    for (size_t i = 0; i < shift && i < used; ++i) {
        float before;
        if (const int error = frame.before(i, shift, &before)) return error;
        const float product = emphasis.weight * before;
        x[i] = emphasis.gain * x[i] - product;
    }
    return 0;
}

}  // namespace dsp
}  // namespace eitk
