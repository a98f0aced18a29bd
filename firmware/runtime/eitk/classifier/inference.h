// The parts that one-shot and continuous classification share.
#ifndef EITK_CLASSIFIER_INFERENCE_H
#define EITK_CLASSIFIER_INFERENCE_H

#include "eitk/classifier/run_classifier.h"
#include "eitk/dsp/features.h"
#include "eitk/dsp/source.h"
#include "tflite-model/model.h"

namespace eitk {

// The sketch's signal as a source of samples. The signal must outlive it.
dsp::SampleSource source_of(const ei::signal_t& signal);

// Writes features in the model's own input format, from `at` on.
dsp::FeatureWriter writer_at(int8_t* at);
dsp::FeatureWriter writer_at(float* at);

// All labels with a score of zero.
void clear(ei_impulse_result_t* result);

void set_dsp_time(ei_impulse_result_t* result, uint64_t started_us);

// Runs the model on what lies in its input, and fills in scores and times.
EI_IMPULSE_ERROR infer(ei_impulse_result_t* result, bool debug);

}  // namespace eitk

#endif
