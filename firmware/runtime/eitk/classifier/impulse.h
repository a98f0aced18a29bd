// The generated impulse: which blocks make which part of the model's input. Defined in model_variables.cpp.
#ifndef EITK_CLASSIFIER_IMPULSE_H
#define EITK_CLASSIFIER_IMPULSE_H

#include <stddef.h>

#include "eitk/dsp/block.h"
#include "eitk/dsp/stream.h"

namespace eitk {
namespace impulse {

struct BlockPlace {
    const dsp::Block* block;
    size_t offset;  // of its first feature in the model's input
};

extern const BlockPlace kBlocks[];
extern const size_t kBlockCount;
extern const dsp::Workspace kWorkspace;
extern dsp::Stream kStreams[];  // one for each block; only linked where run_classifier_continuous is used

}  // namespace impulse
}  // namespace eitk

#endif
