#include "eitk/dsp/block.h"

namespace eitk {
namespace dsp {
namespace {

// Determines whether any sample lies outside -1 .. 1. Reads the window in pieces of `size` samples.
int check_full_scale(const SampleSource& samples, float* piece, size_t size, bool* full_scale) {
    *full_scale = false;
    for (size_t start = 0; start < samples.length && !*full_scale; start += size) {
        const size_t remaining = samples.length - start, length = remaining < size ? remaining : size;
        if (const int error = samples.read(samples.context, start, length, piece)) return error;
        for (size_t i = 0; i < length; ++i) *full_scale = *full_scale || piece[i] > 1.0f || piece[i] < -1.0f;
    }
    return 0;
}

}  // namespace

int Block::rows(const SampleSource& samples, const Workspace& work, FeatureWriter& out) const {
    for (size_t i = 0; i < framing_.count; ++i) {
        if (const int error = row({&samples, i * framing_.stride}, work, out)) return error;
        out.advance(bins_);
    }
    return 0;
}

int Block::window(const SampleSource& samples, const Workspace& work, FeatureWriter& out) const {
    Workspace window_work = work;
    if (needs_full_scale_check()) {
        const int error = check_full_scale(samples, work.samples, framing_.used, &window_work.full_scale);
        if (error != 0) return error;
    }
    if (!normalises_) return rows(samples, window_work, out);
    FeatureWriter intermediate(work.rows, kRowTolerance);
    if (const int error = rows(samples, window_work, intermediate)) return error;
    normalise(work.rows, window_work, out);
    return 0;
}

}  // namespace dsp
}  // namespace eitk
