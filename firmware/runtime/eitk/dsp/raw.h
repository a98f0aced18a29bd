// Edge Impulse's raw block: the features are the samples multiplied by a constant.
#ifndef EITK_DSP_RAW_H
#define EITK_DSP_RAW_H

#include "eitk/dsp/block.h"

namespace eitk {
namespace dsp {

// The frames of this block are pieces of the window that fit the workspace.
class Raw final : public Block {
public:
    constexpr Raw(Framing framing, float scale) : Block(framing, framing.used, false), scale_(scale) {}

    int row(const Frame& frame, const Workspace& work, FeatureWriter& out) const override;

private:
    float scale_;
};

}  // namespace dsp
}  // namespace eitk

#endif
