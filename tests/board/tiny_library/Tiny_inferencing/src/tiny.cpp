#include <Arduino.h>

#include "Tiny_inferencing.h"

const char* ei_classifier_inferencing_categories[EI_CLASSIFIER_LABEL_COUNT] = {"classical", "rock"};

static int8_t output[EI_CLASSIFIER_LABEL_COUNT];

#ifndef TINY_WITHOUT_EITK
const int8_t* eitk_classifier_output_int8() { return output; }
#endif

EI_IMPULSE_ERROR run_classifier(signal_t* signal, ei_impulse_result_t* result, bool) {
    const uint32_t start = micros();
    float frame[400];
    float last = 0;
    uint32_t changes = 0;
    for (size_t offset = 0; offset < signal->total_length; offset += 400) {
        if (signal->get_data(offset, 400, frame) != 0) return EI_IMPULSE_DSP_ERROR;
        for (float x : frame) {
            changes += (x < 0) != (last < 0);
            last = x;
        }
    }
    const uint32_t steps = changes * 2 * 255 / (uint32_t)signal->total_length;
    const int rock = (int)(steps > 255 ? 255 : steps);
    const uint32_t middle = micros();
    output[0] = (int8_t)(127 - rock);
    output[1] = (int8_t)(rock - 128);
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        result->classification[i].label = ei_classifier_inferencing_categories[i];
        result->classification[i].value = (output[i] + 128) / 256.0f;
    }
    result->timing.dsp_us = (int32_t)(middle - start);
    result->timing.dsp = (int)((result->timing.dsp_us + 500) / 1000);
    result->timing.classification_us = (int32_t)(micros() - middle);
    return EI_IMPULSE_OK;
}
