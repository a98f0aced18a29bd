// Frames computed as samples arrive, so that a window of three seconds needs the samples of one unfinished frame only.
#ifndef EITK_DSP_STREAM_H
#define EITK_DSP_STREAM_H

#include <string.h>

#include "eitk/dsp/block.h"

namespace eitk {
namespace dsp {

// The features of the newest window of one block. Frames start `stride` samples apart, counted from the start of the
// stream. Silence precedes the first frame of a stream, whereas the first frame of a single window is preceded by the
// end of that window (its pre-emphasis is circular).
class Stream {
public:
    // `kept` has room for lookback() + used samples, `rows` for all rows of a block that normalises them.
    constexpr Stream(const Block& block, float* kept, float* rows) : block_(block), kept_(kept), rows_(rows) {}

    void reset();

    // Whether a whole window of frames has been computed.
    bool complete() const { return frames_ >= block_.framing().count; }

    // Adds the samples of a slice. `features` are the block's features of the newest window; `writer_at` makes a writer
    // for them. Returns 0, or the error of the sample source, after which the stream is reset.
    template <typename Feature>
    int feed(const SampleSource& slice, const Workspace& work, Feature* features, FeatureWriter (*writer_at)(Feature*));

private:
    static int read(const void* context, size_t offset, size_t length, float* out);

    template <typename Feature>
    Feature* newest_row(Feature* features);

    void begin(const SampleSource& slice);
    int reset_after(int error);
    bool frame_ready() const;
    int end();

    const Block& block_;
    float* kept_;  // samples of earlier slices, the oldest first
    float* rows_;
    const SampleSource* slice_ = nullptr;
    size_t count_ = 0;   // number of samples in kept_
    size_t start_ = 0;   // position of the next frame in kept_ followed by the slice
    size_t frames_ = 0;  // frames computed so far
};

// Removes the oldest row and returns the position for a new one behind the others.
template <typename Feature>
Feature* Stream::newest_row(Feature* features) {
    const size_t older = block_.features() - block_.bins();
    memmove(features, features + block_.bins(), older * sizeof *features);
    return features + older;
}

template <typename Feature>
int Stream::feed(const SampleSource& slice, const Workspace& work, Feature* features,
                 FeatureWriter (*writer_at)(Feature*)) {
    begin(slice);
    Workspace stream_work = work;
    stream_work.full_scale = true;  // the samples of a stream are 16-bit integers
    while (frame_ready()) {
        const SampleSource samples = {read, this, count_ + slice.length};
        FeatureWriter out =
            block_.normalises() ? FeatureWriter(newest_row(rows_), kRowTolerance) : writer_at(newest_row(features));
        if (const int error = block_.row({&samples, start_}, stream_work, out)) return reset_after(error);
        start_ += block_.framing().stride;
        ++frames_;
    }
    if (block_.normalises() && complete()) {
        FeatureWriter out = writer_at(features);
        block_.normalise(rows_, stream_work, out);
    }
    return end();
}

}  // namespace dsp
}  // namespace eitk

#endif
