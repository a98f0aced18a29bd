// The interface of every processing block: features of a window, or of one frame after the other.
#ifndef EITK_DSP_BLOCK_H
#define EITK_DSP_BLOCK_H

#include "eitk/dsp/double_float.h"
#include "eitk/dsp/features.h"
#include "eitk/dsp/fft.h"
#include "eitk/dsp/source.h"

namespace eitk {
namespace dsp {

// A window has `count` frames, `stride` samples apart. A block reads only the first `used` samples of each frame: an
// FFT shorter than the frame does not depend on the others.
struct Framing {
    size_t used, stride, count;
};

// Buffers and tables that blocks share. `samples` holds one frame and `spectrum` its spectrum, in float or in
// DoubleFloat; both have room for the longest FFT. `rows` holds the rows of a block that normalises them. A block may
// use the part of `spectrum` that its spectrum does not occupy.
struct Workspace {
    float* samples;
    DoubleFloat* spectrum;
    float* rows;
    Twiddles<float> twiddles;
    Twiddles<DoubleFloat> double_float_twiddles;
    bool full_scale;  // whether the window has samples outside -1 .. 1, so that its full scale is 32768 and not 1
};

class Block {
public:
    constexpr Block(Framing framing, size_t bins, bool normalises)
        : framing_(framing), bins_(bins), normalises_(normalises) {}

    constexpr const Framing& framing() const { return framing_; }
    constexpr size_t bins() const { return bins_; }
    constexpr size_t features() const { return framing_.count * bins_; }

    // Whether `row` computes intermediate rows. They are collected in Workspace::rows until `normalise` computes the
    // features from all of them.
    constexpr bool normalises() const { return normalises_; }

    // Computes one row from one frame. Returns 0, or the error of the sample source.
    virtual int row(const Frame& frame, const Workspace& work, FeatureWriter& out) const = 0;

    // Computes the features of a window from all its intermediate rows.
    virtual void normalise(const float* rows, const Workspace& work, FeatureWriter& out) const {
        (void)rows;
        (void)work;
        (void)out;
    }

    // The number of samples before a frame on which its row depends.
    virtual size_t lookback() const { return 0; }

    // Computes the features of a window. Returns 0, or the error of the sample source.
    int window(const SampleSource& samples, const Workspace& work, FeatureWriter& out) const;

protected:
    ~Block() = default;

    // Whether rows depend on Workspace::full_scale.
    virtual bool needs_full_scale_check() const { return false; }

private:
    int rows(const SampleSource& samples, const Workspace& work, FeatureWriter& out) const;

    Framing framing_;
    size_t bins_;
    bool normalises_;
};

}  // namespace dsp
}  // namespace eitk

#endif
