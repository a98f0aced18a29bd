// The power spectrum of one frame, in float with a bound on its error, or in Twofold, which is as good as exact.
#ifndef EITK_DSP_SPECTRUM_H
#define EITK_DSP_SPECTRUM_H

#include "eitk/dsp/block.h"
#include "eitk/dsp/emphasis.h"

namespace eitk {
namespace dsp {

// power[k] = 4 |X_k|^2 for k = 0 .. fft / 2; the square root of each is off by at most `error`.
template <typename Real>
struct Spectrum {
    Real* power;
    Real error;
};

// Reads a frame's first `used` samples, emphasises them and pads them with zeros to `fft` points, a power of two, in
// Workspace::samples. 0, or the error of the sample source.
int load(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work);

// The spectrum of the samples that `load` left, in Workspace::spectrum; the one replaces the other.
Spectrum<float> quick_spectrum(size_t fft, const Workspace& work);
Spectrum<Twofold> exact_spectrum(size_t fft, const Workspace& work);

}  // namespace dsp
}  // namespace eitk

#endif
