// Samples of a window, read in pieces as the sketch's own callback hands them out.
#ifndef EITK_DSP_SOURCE_H
#define EITK_DSP_SOURCE_H

#include <stddef.h>

namespace eitk {
namespace dsp {

// Where samples come from. `read` fills out[0..length) from sample `offset` on; 0 means success.
struct SampleSource {
    int (*read)(const void* context, size_t offset, size_t length, float* out);
    const void* context;
    size_t length;  // samples in the window
};

// Some samples in a row: `start` is where a frame begins.
struct Frame {
    const SampleSource* samples;
    size_t start;

    int read(size_t length, float* out) const { return samples->read(samples->context, start, length, out); }

    // The sample `distance` before the i-th of the frame; before the window's first comes its last (circular).
    int before(size_t i, size_t distance, float* out) const {
        const size_t at = (start + i + samples->length - distance % samples->length) % samples->length;
        return samples->read(samples->context, at, 1, out);
    }
};

}  // namespace dsp
}  // namespace eitk

#endif
