// The power spectrum of one frame, in float with a bound on its error, or in double.
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

// Both read the frame's first `used` samples, emphasise them and pad them with zeros to `fft` points, a power of two.
// They return 0, or the error of the sample source. The result lies in Workspace::exact.
int spectrum(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work,
             Spectrum<float>* out);
int spectrum(const Frame& frame, size_t used, size_t fft, const Emphasis& emphasis, const Workspace& work,
             Spectrum<double>* out);

}  // namespace dsp
}  // namespace eitk

#endif
