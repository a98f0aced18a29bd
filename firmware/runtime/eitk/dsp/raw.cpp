#include "eitk/dsp/raw.h"

namespace eitk {
namespace dsp {

int Raw::row(const Frame& frame, const Workspace& work, FeatureWriter& out) const {
    if (const int error = frame.read(bins(), work.samples)) return error;
    for (size_t i = 0; i < bins(); ++i) out.write(i, static_cast<double>(work.samples[i] * scale_));
    return 0;
}

}  // namespace dsp
}  // namespace eitk
