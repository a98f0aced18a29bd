#include "eitk/dsp/emphasis.h"

// The MFE block of training rounds the product and the difference to float32, one after the other. A fused
// multiply-add would round once, and give another result.
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
        float earlier = 0.0f;
        if (const int error = frame.read_before(i, shift, &earlier)) return error;
        const float product = emphasis.weight * earlier;
        x[i] = emphasis.gain * x[i] - product;
    }
    return 0;
}

}  // namespace dsp
}  // namespace eitk
