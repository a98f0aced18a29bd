// The calls of a sketch.
#ifndef EITK_CLASSIFIER_RUN_CLASSIFIER_H
#define EITK_CLASSIFIER_RUN_CLASSIFIER_H

#include <stdint.h>

#include "eitk/classifier/errors.h"
#include "eitk/classifier/porting.h"
#include "eitk/classifier/result.h"
#include "eitk/classifier/signal.h"

// A library holds one impulse; the handle exists for sketches that name it.
typedef struct {
    uint32_t id;
} ei_impulse_handle_t;

extern ei_impulse_handle_t ei_default_impulse;

// Classifies one window of EI_CLASSIFIER_RAW_SAMPLE_COUNT samples. With `debug` the features are printed.
EI_IMPULSE_ERROR run_classifier(ei::signal_t* signal, ei_impulse_result_t* result, bool debug = false);
EI_IMPULSE_ERROR run_classifier(ei_impulse_handle_t* impulse, ei::signal_t* signal, ei_impulse_result_t* result,
                                bool debug = false);

// Classifies a stream, slice by slice (any length, EI_CLASSIFIER_SLICE_SIZE as a rule): frames are computed as samples
// arrive and the model sees the newest window of them. Until there is a whole window all scores are zero.
// The averaging flag is accepted and ignored, as Edge Impulse's own library does since 2022.
void run_classifier_init();
EI_IMPULSE_ERROR run_classifier_continuous(ei::signal_t* signal, ei_impulse_result_t* result, bool debug = false,
                                           bool enable_maf = true);
void run_classifier_deinit();

// The model's own answer to the latest classification, before it became floats: EI_CLASSIFIER_LABEL_COUNT values.
// Null where the model works in float.
const int8_t* eitk_classifier_output_int8();

#endif
