// Edge Impulse's Spectrogram block, implementation versions 1 to 4.
#ifndef EITK_DSP_SPECTROGRAM_H
#define EITK_DSP_SPECTROGRAM_H

#include "eitk/dsp/block.h"

namespace eitk {
namespace dsp {

class Spectrogram final : public Block {
public:
    constexpr Spectrogram(Framing framing, size_t fft, int version, float noise_floor_db)
        : Block(framing, fft / 2 + 1, version < 3), fft_(fft), version_(version), noise_floor_db_(noise_floor_db) {}

    int row(const Frame& frame, const Workspace& work, FeatureWriter& out) const override;

    // Versions 1 and 2: scales each window from its least to its greatest power.
    void normalise(const float* rows, const Workspace& work, FeatureWriter& out) const override;

protected:
    // Version 3 divides the samples by 32768, unless the whole window lies within -1 .. 1.
    bool needs_full_scale_check() const override { return version_ == 3; }

private:
    size_t fft_;
    int version_;
    float noise_floor_db_;
};

}  // namespace dsp
}  // namespace eitk

#endif
