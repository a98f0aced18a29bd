// Classifies 16-bit samples with a library, as a sketch does: classify MODE <
// samples. once: every window with run_classifier. continuous: the same stream
// in quarters of a window, with run_classifier_continuous. rejected: checks the
// errors for invalid signals.
#include LIBRARY_HEADER
#include "edge-impulse-sdk/classifier/ei_run_classifier.h"
#include "edge-impulse-sdk/dsp/numpy.hpp"

#include <stdio.h>
#include <string.h>

static int16_t window[EI_CLASSIFIER_RAW_SAMPLE_COUNT];

static int read_window(size_t offset, size_t length, float* out) {
    return numpy::int16_to_float(&window[offset], out, length);
}

static void print(const ei_impulse_result_t& result) {
    const int8_t* q = eitk_classifier_output_int8();
    for (size_t i = 0; i < EI_CLASSIFIER_LABEL_COUNT; i++) {
        printf("%s\t%.9g\t%d\n", result.classification[i].label, static_cast<double>(result.classification[i].value),
               q != nullptr ? q[i] : 0);
    }
}

static int once() {
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &read_window;
    while (fread(window, sizeof window[0], EI_CLASSIFIER_RAW_SAMPLE_COUNT, stdin) == EI_CLASSIFIER_RAW_SAMPLE_COUNT) {
        ei_impulse_result_t result;
        const EI_IMPULSE_ERROR error = run_classifier(&signal, &result, false);
        if (error != EI_IMPULSE_OK) return error;
        print(result);
    }
    return 0;
}

static int continuous() {
    run_classifier_init();
    while (fread(window, sizeof window[0], EI_CLASSIFIER_SLICE_SIZE, stdin) == EI_CLASSIFIER_SLICE_SIZE) {
        const int16_t* slice = window;
        signal_t signal;
        signal.total_length = EI_CLASSIFIER_SLICE_SIZE;
        signal.get_data = [slice](size_t offset, size_t length, float* out) {
            return numpy::int16_to_float(slice + offset, out, length);
        };
        ei_impulse_result_t result;
        if (run_classifier_continuous(&signal, &result) != EI_IMPULSE_OK) return 1;
        print(result);
    }
    run_classifier_deinit();
    return 0;
}

static int rejected() {
    signal_t signal;
    ei_impulse_result_t result;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT - 1;
    signal.get_data = &read_window;
    if (run_classifier(&signal, &result) != EI_IMPULSE_ERROR_SHAPES_DONT_MATCH) return 1;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = [](size_t, size_t, float*) { return -1; };
    return run_classifier(&signal, &result) == EI_IMPULSE_DSP_ERROR ? 0 : 1;
}

int main(int, char** argv) {
    if (strcmp(argv[1], "once") == 0) return once();
    return strcmp(argv[1], "continuous") == 0 ? continuous() : rejected();
}
