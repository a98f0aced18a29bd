// The result of a classification, with the fields that sketches for Edge Impulse's libraries read.
#ifndef EITK_CLASSIFIER_RESULT_H
#define EITK_CLASSIFIER_RESULT_H

#include <stdint.h>

#include "model-parameters/model_metadata.h"

typedef struct {
    const char* label;
    float value;  // 0 .. 1
} ei_impulse_result_classification_t;

typedef struct {
    const char* label;
    uint32_t x, y, width, height;
    float value;
} ei_impulse_result_bounding_box_t;

// In milliseconds, rounded, and in microseconds. The sketch sets `sampling`.
typedef struct {
    int sampling;
    int dsp;
    int classification;
    int anomaly;
    int postprocessing;
    int64_t dsp_us;
    int64_t classification_us;
    int64_t anomaly_us;
    int64_t postprocessing_us;
} ei_impulse_result_timing_t;

// An audio classifier detects no boxes and no anomalies. These fields exist for sketches that print them.
typedef struct {
    ei_impulse_result_bounding_box_t* bounding_boxes;
    uint32_t bounding_boxes_count;
    ei_impulse_result_classification_t classification[EI_CLASSIFIER_LABEL_COUNT];
    float anomaly;
    ei_impulse_result_timing_t timing;
} ei_impulse_result_t;

#endif
