// Frames computed as samples arrive: a window of three seconds needs the samples of one unfinished frame, and no more.
#ifndef EITK_DSP_STREAM_H
#define EITK_DSP_STREAM_H

#include <string.h>

#include "eitk/dsp/block.h"

namespace eitk {
namespace dsp {

// The newest window's features of one block. Frames lie `stride` samples apart from the start of the stream on. The
// first frame ever sees silence before it, where a single window would see its own end (circular pre-emphasis).
class Stream {
public:
    // `kept` has room for reach() + used samples, `rows` for all raw rows of a block that normalises.
    constexpr Stream(const Block& block, float* kept, float* rows) : block_(block), kept_(kept), rows_(rows) {}

    void reset();

    // Whether a whole window of frames has been seen.
    bool complete() const { return frames_ >= block_.framing().count; }

    // Takes in the slice's samples. `features` is the block's part of the newest window, `writer_at` makes a writer
    // for it. 0, or the error of the sample source, after which the stream begins afresh.
    template <typename Feature>
    int feed(const SampleSource& slice, const Workspace& work, Feature* features, FeatureWriter (*writer_at)(Feature*));

private:
    static int read(const void* context, size_t offset, size_t length, float* out);

    template <typename Feature>
    Feature* newest_row(Feature* features);

    void begin(const SampleSource& slice);
    int failed(int error);
    bool frame_ready() const;
    int end();

    const Block& block_;
    float* kept_;
    float* rows_;
    const SampleSource* slice_ = nullptr;
    size_t count_ = 0;   // samples in kept_, the oldest first
    size_t start_ = 0;   // of the next frame, counted from kept_[0] on through the slice
    size_t frames_ = 0;  // seen so far
};

// Makes room for a row behind the others, of which the oldest goes.
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
    Workspace own = work;
    own.loud = true;  // a microphone's samples are whole numbers, far outside -1 .. 1
    while (frame_ready()) {
        const SampleSource samples = {read, this, count_ + slice.length};
        FeatureWriter out =
            block_.normalises() ? FeatureWriter(newest_row(rows_), kRowTolerance) : writer_at(newest_row(features));
        if (const int error = block_.row({&samples, start_}, own, out)) return failed(error);
        start_ += block_.framing().stride;
        ++frames_;
    }
    if (block_.normalises() && complete()) {
        FeatureWriter out = writer_at(features);
        block_.normalise(rows_, own, out);
    }
    return end();
}

}  // namespace dsp
}  // namespace eitk

#endif
