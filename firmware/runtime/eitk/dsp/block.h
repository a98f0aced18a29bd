// What every processing block offers: features of a window, or of one frame after another.
#ifndef EITK_DSP_BLOCK_H
#define EITK_DSP_BLOCK_H

#include "eitk/dsp/features.h"
#include "eitk/dsp/fft.h"
#include "eitk/dsp/source.h"
#include "eitk/dsp/twofold.h"

namespace eitk {
namespace dsp {

// `count` frames of a window, `stride` samples apart. Of each only the first `used` samples matter: an FFT shorter
// than the frame never sees the rest.
struct Framing {
    size_t used, stride, count;
};

// Buffers and tables that blocks share: the samples of a frame, its spectrum in float or in Twofold (both for the
// longest FFT), and unnormalised rows where a block has them. A block may use what its spectrum leaves free.
struct Workspace {
    float* samples;
    Twofold* spectrum;
    float* rows;
    Twiddles<float> twiddles;
    Twiddles<Twofold> exact_twiddles;
    bool loud;  // whether any sample of the window lies outside -1 .. 1
};

class Block {
public:
    constexpr Block(Framing framing, size_t bins, bool normalises)
        : framing_(framing), bins_(bins), normalises_(normalises) {}

    constexpr const Framing& framing() const { return framing_; }
    constexpr size_t bins() const { return bins_; }
    constexpr size_t features() const { return framing_.count * bins_; }

    // Whether `row` gives raw rows, to be kept in Workspace::rows until `normalise` makes features of all of them.
    constexpr bool normalises() const { return normalises_; }

    // One frame into one row of features. 0, or the error of the sample source.
    virtual int row(const Frame& frame, const Workspace& work, FeatureWriter& out) const = 0;

    // All raw rows of a window into features.
    virtual void normalise(const float* rows, const Workspace& work, FeatureWriter& out) const {
        (void)rows;
        (void)work;
        (void)out;
    }

    // How many samples in front of a frame its row looks at.
    virtual size_t reach() const { return 0; }

    // A whole window into features. 0, or the error of the sample source.
    int window(const SampleSource& samples, const Workspace& work, FeatureWriter& out) const;

protected:
    ~Block() = default;

    // Whether rows depend on Workspace::loud.
    virtual bool minds_loudness() const { return false; }

private:
    int rows(const SampleSource& samples, const Workspace& work, FeatureWriter& out) const;

    Framing framing_;
    size_t bins_;
    bool normalises_;
};

}  // namespace dsp
}  // namespace eitk

#endif
