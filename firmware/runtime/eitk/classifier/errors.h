// Return values of the classifier, with Edge Impulse's names and numbers.
#ifndef EITK_CLASSIFIER_ERRORS_H
#define EITK_CLASSIFIER_ERRORS_H

typedef enum {
    EI_IMPULSE_OK = 0,
    EI_IMPULSE_ERROR_SHAPES_DONT_MATCH = -1,  // the signal is not one window long
    EI_IMPULSE_CANCELED = -2,
    EI_IMPULSE_TFLITE_ERROR = -3,
    EI_IMPULSE_DSP_ERROR = -5,  // get_data failed
    EI_IMPULSE_TFLITE_ARENA_ALLOC_FAILED = -6,
    EI_IMPULSE_ALLOC_FAILED = -8,
    EI_IMPULSE_OUT_OF_MEMORY = -11,
    EI_IMPULSE_INFERENCE_ERROR = -22,
    EI_IMPULSE_INVALID_SIZE = -24,
} EI_IMPULSE_ERROR;

namespace ei {

enum { EIDSP_OK = 0 };  // return value of get_data and of the functions in ei::numpy

}  // namespace ei

#endif
