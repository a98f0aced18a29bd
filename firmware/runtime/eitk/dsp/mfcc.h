// Edge Impulse's MFCC block (cepstral coefficients), implementation versions 3 and 4.
#ifndef EITK_DSP_MFCC_H
#define EITK_DSP_MFCC_H

#include "eitk/dsp/block.h"
#include "eitk/dsp/mel.h"
#include "eitk/dsp/spectrum.h"

namespace eitk {
namespace dsp {

// The first `count` rows of an orthonormal DCT-II with as many columns as there are bands, from the generator.
struct CosineTable {
    const float* rows;
    size_t count;
};

class Mfcc final : public Block {
public:
    // `power_scale` converts 4 |X|^2 of the emphasised samples to the power that the block defines. `window` is the
    // number of frames over which coefficients are normalised: odd, or 0 for no normalisation.
    constexpr Mfcc(Framing framing, size_t fft, MelBank bank, CosineTable cosines, Emphasis emphasis,
                   double power_scale, size_t window)
        : Block(framing, cosines.count, window > 0),
          fft_(fft),
          bank_(bank),
          cosines_(cosines),
          emphasis_(emphasis),
          power_scale_(power_scale),
          window_(window) {}

    int row(const Frame& frame, const Workspace& work, FeatureWriter& out) const override;
    void normalise(const float* rows, const Workspace& work, FeatureWriter& out) const override;
    size_t lookback() const override { return emphasis_.shift; }

private:
    template <typename Real>
    bool try_quantize_cepstrum(const Spectrum<Real>& spectrum, float* logs, FeatureWriter& out) const;

    size_t fft_;
    MelBank bank_;
    CosineTable cosines_;
    Emphasis emphasis_;
    double power_scale_;
    size_t window_;
};

}  // namespace dsp
}  // namespace eitk

#endif
