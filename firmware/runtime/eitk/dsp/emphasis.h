// Pre-emphasis of the samples of one frame.
#ifndef EITK_DSP_EMPHASIS_H
#define EITK_DSP_EMPHASIS_H

#include "eitk/dsp/source.h"

namespace eitk {
namespace dsp {

// y[i] = gain x[i] - weight x[i - shift], where the window is circular. A shift of 0 means y = x.
struct Emphasis {
    float gain, weight;
    size_t shift;
};

// Applies the emphasis in place to x[0..used), the first samples of the frame. Returns 0, or the error of the sample
// source.
int emphasise(const Frame& frame, const Emphasis& emphasis, size_t used, float* x);

}  // namespace dsp
}  // namespace eitk

#endif
