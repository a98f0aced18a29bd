// The public names of a library exported by Edge Impulse, as far as the sketch uses them.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model-parameters/model_metadata.h"

typedef enum { EI_IMPULSE_OK = 0, EI_IMPULSE_DSP_ERROR = -5 } EI_IMPULSE_ERROR;

struct signal_t {
    int (*get_data)(size_t offset, size_t length, float* out);
    size_t total_length;
};

struct ei_impulse_result_t {
    struct {
        const char* label;
        float value;
    } classification[EI_CLASSIFIER_LABEL_COUNT];
    struct {
        int sampling, dsp, classification, postprocessing, anomaly;
        int64_t dsp_us, classification_us, postprocessing_us, anomaly_us;
    } timing;
};

extern const char* ei_classifier_inferencing_categories[EI_CLASSIFIER_LABEL_COUNT];
EI_IMPULSE_ERROR run_classifier(signal_t* signal, ei_impulse_result_t* result, bool debug = false);

#ifndef TINY_WITHOUT_EITK
#define EITK_LIBRARY 1
#define EITK_MODEL_SHA256 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
const int8_t* eitk_classifier_output_int8();
#endif
