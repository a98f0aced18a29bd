// Edge Impulse's MFE block (log energies of mel bands), implementation versions 3 and 4.
#ifndef EITK_DSP_MFE_H
#define EITK_DSP_MFE_H

#include "eitk/dsp/block.h"
#include "eitk/dsp/mel.h"
#include "eitk/dsp/spectrum.h"

namespace eitk {
namespace dsp {

class Mfe final : public Block {
public:
    // `power_scale` converts 4 |X|^2 of the emphasised samples to the power that the block defines.
    constexpr Mfe(Framing framing, size_t fft, MelBank bank, Emphasis emphasis, double power_scale,
                  float noise_floor_db)
        : Block(framing, bank.bands, false),
          fft_(fft),
          bank_(bank),
          emphasis_(emphasis),
          power_scale_(power_scale),
          noise_floor_db_(noise_floor_db) {}

    int row(const Frame& frame, const Workspace& work, FeatureWriter& out) const override;
    size_t lookback() const override { return emphasis_.shift; }

private:
    bool try_quantize_all(const Spectrum<float>& spectrum, FeatureWriter& out) const;
    void write_all(const Spectrum<DoubleFloat>& spectrum, FeatureWriter& out) const;

    size_t fft_;
    MelBank bank_;
    Emphasis emphasis_;
    double power_scale_;
    float noise_floor_db_;
};

}  // namespace dsp
}  // namespace eitk

#endif
