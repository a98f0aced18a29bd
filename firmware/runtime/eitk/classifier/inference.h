// What run_classifier and run_classifier_continuous share.
#ifndef EITK_CLASSIFIER_INFERENCE_H
#define EITK_CLASSIFIER_INFERENCE_H

#include "eitk/classifier/run_classifier.h"
#include "eitk/dsp/features.h"
#include "eitk/dsp/source.h"
#include "tflite-model/model.h"

namespace eitk {

// A source of the samples of `signal`, which must outlive the source.
dsp::SampleSource source_of(const ei::signal_t& signal);

// A writer of features in the format of the model's input, starting at `at`.
dsp::FeatureWriter writer_at(int8_t* at);
dsp::FeatureWriter writer_at(float* at);

// Sets all labels, and all scores and times to zero.
void clear(ei_impulse_result_t* result);

void set_dsp_time(ei_impulse_result_t* result, uint64_t started_us);

// Runs the model on its input, and writes scores and times.
EI_IMPULSE_ERROR infer(ei_impulse_result_t* result, bool debug);

}  // namespace eitk

#endif
