// The power spectrum of one frame, in float with an error bound, or in DoubleFloat, whose error is negligible.
#ifndef EITK_DSP_SPECTRUM_H
#define EITK_DSP_SPECTRUM_H

#include "eitk/dsp/block.h"
#include "eitk/dsp/emphasis.h"

namespace eitk {
namespace dsp {

// power[k] = 4 |X_k|^2 for k = 0 .. fft / 2. The square root of each has an error of at most `error`.
template <typename Real>
struct Spectrum {
    Real* power;
    Real error;
};

// Reads the first `used` samples of a frame into Workspace::samples, emphasises them, and pads them with zeros to `fft`
// points, a power of two. Returns 0, or the error of the sample source.
int load(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work);

// The spectrum of the samples that `load` stored, in Workspace::spectrum. Either function overwrites the result of the
// other.
Spectrum<float> float_spectrum(size_t fft, const Workspace& work);
Spectrum<DoubleFloat> double_float_spectrum(size_t fft, const Workspace& work);

}  // namespace dsp
}  // namespace eitk

#endif
