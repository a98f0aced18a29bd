// The generated impulse: which processing blocks compute which part of the model's input. Defined in the generated
// file model_variables.cpp.
#ifndef EITK_CLASSIFIER_IMPULSE_H
#define EITK_CLASSIFIER_IMPULSE_H

#include <stddef.h>

#include "eitk/dsp/block.h"
#include "eitk/dsp/stream.h"

namespace eitk {
namespace impulse {

struct ImpulseBlock {
    const dsp::Block* block;
    size_t offset;  // index of its first feature in the model's input
};

extern const ImpulseBlock kBlocks[];
extern const size_t kBlockCount;
extern const dsp::Workspace kWorkspace;
extern dsp::Stream streams[];  // one for each block; linked only where run_classifier_continuous is used

}  // namespace impulse
}  // namespace eitk

#endif
