#include "eitk/dsp/block.h"

namespace eitk {
namespace dsp {
namespace {

// Looks through the window in pieces that fit the workspace.
int survey(const SampleSource& samples, float* piece, size_t size, bool* loud) {
    *loud = false;
    for (size_t start = 0; start < samples.length && !*loud; start += size) {
        const size_t left = samples.length - start, length = left < size ? left : size;
        if (const int error = samples.read(samples.context, start, length, piece)) return error;
        for (size_t i = 0; i < length; ++i) *loud = *loud || piece[i] > 1.0f || piece[i] < -1.0f;
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
    Workspace own = work;
    if (minds_loudness()) {
        if (const int error = survey(samples, work.samples, framing_.used, &own.loud)) return error;
    }
    if (!normalises_) return rows(samples, own, out);
    FeatureWriter raw(work.rows, kRowTolerance);
    if (const int error = rows(samples, own, raw)) return error;
    normalise(work.rows, own, out);
    return 0;
}

}  // namespace dsp
}  // namespace eitk
