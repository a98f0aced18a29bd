// Samples of a window, which blocks read in pieces through a callback.
#ifndef EITK_DSP_SOURCE_H
#define EITK_DSP_SOURCE_H

#include <stddef.h>

namespace eitk {
namespace dsp {

// `read` writes the samples [offset, offset + length) to `out` and returns 0, or an error.
struct SampleSource {
    int (*read)(const void* context, size_t offset, size_t length, float* out);
    const void* context;
    size_t length;  // samples in the window
};

// Consecutive samples of a source from `start` on.
struct Frame {
    const SampleSource* samples;
    size_t start;

    int read(size_t length, float* out) const { return samples->read(samples->context, start, length, out); }

    // Reads the sample `distance` positions before the i-th sample of the frame. The window is circular: its last
    // sample precedes its first.
    int read_before(size_t i, size_t distance, float* out) const {
        const size_t position = (start + i + samples->length - distance % samples->length) % samples->length;
        return samples->read(samples->context, position, 1, out);
    }
};

}  // namespace dsp
}  // namespace eitk

#endif
