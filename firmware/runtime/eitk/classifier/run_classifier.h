// The functions that a sketch calls.
#ifndef EITK_CLASSIFIER_RUN_CLASSIFIER_H
#define EITK_CLASSIFIER_RUN_CLASSIFIER_H

#include <stdint.h>

#include "eitk/classifier/errors.h"
#include "eitk/classifier/porting.h"
#include "eitk/classifier/result.h"
#include "eitk/classifier/signal.h"

// A library contains one impulse. The handle exists for sketches that pass it.
typedef struct {
    uint32_t id;
} ei_impulse_handle_t;

extern ei_impulse_handle_t ei_default_impulse;

// Classifies one window of EI_CLASSIFIER_RAW_SAMPLE_COUNT samples. With `debug` the features are printed.
EI_IMPULSE_ERROR run_classifier(ei::signal_t* signal, ei_impulse_result_t* result, bool debug = false);
EI_IMPULSE_ERROR run_classifier(ei_impulse_handle_t* impulse, ei::signal_t* signal, ei_impulse_result_t* result,
                                bool debug = false);

// Classifies a stream slice by slice. A slice may have any length, usually EI_CLASSIFIER_SLICE_SIZE. Frames are
// computed as samples arrive, and the model runs on the newest window of frames. All scores are zero until a whole
// window has arrived. `enable_maf` (moving average filter) has no effect, as in Edge Impulse's own library since 2022.
void run_classifier_init();
EI_IMPULSE_ERROR run_classifier_continuous(ei::signal_t* signal, ei_impulse_result_t* result, bool debug = false,
                                           bool enable_maf = true);
void run_classifier_deinit();

// The int8 output of the model for the last classification: EI_CLASSIFIER_LABEL_COUNT values. Null for a float model.
const int8_t* eitk_classifier_output_int8();

#endif
