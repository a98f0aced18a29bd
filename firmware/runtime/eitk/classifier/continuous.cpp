#include <string.h>

#include "eitk/classifier/impulse.h"
#include "eitk/classifier/inference.h"

namespace {

// The features of the newest window. They are not kept in the model's input, which the model overwrites as it runs.
eitk::model::Input newest_features[eitk::model::kInputSize];

}  // namespace

void run_classifier_init() {
    for (size_t i = 0; i < eitk::impulse::kBlockCount; ++i) eitk::impulse::streams[i].reset();
}

void run_classifier_deinit() { run_classifier_init(); }

EI_IMPULSE_ERROR run_classifier_continuous(ei::signal_t* signal, ei_impulse_result_t* result, bool debug, bool) {
    eitk::clear(result);
    if (eitk::model::input() == nullptr) return EI_IMPULSE_TFLITE_ARENA_ALLOC_FAILED;  // of an interpreter
    const uint64_t started_us = ei_read_timer_us();
    bool complete = true;
    for (size_t i = 0; i < eitk::impulse::kBlockCount; ++i) {
        eitk::dsp::Stream& stream = eitk::impulse::streams[i];
        eitk::model::Input* features = newest_features + eitk::impulse::kBlocks[i].offset;
        if (stream.feed(eitk::source_of(*signal), eitk::impulse::kWorkspace, features, eitk::writer_at) != 0)
            return EI_IMPULSE_DSP_ERROR;
        complete = complete && stream.complete();
    }
    eitk::set_dsp_time(result, started_us);
    if (!complete) return EI_IMPULSE_OK;
    memcpy(eitk::model::input(), newest_features, sizeof newest_features);
    return eitk::infer(result, debug);
}
