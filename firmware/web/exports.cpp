// The functions that JavaScript calls: it writes a window to eitk_samples(), calls eitk_classify(), which returns 0 or
// an error of errors.h, and reads one score for each label from eitk_scores().
#include "eitk/classifier/run_classifier.h"
#include "window_level.h"

#define EXPORTED(name) __attribute__((export_name(#name), used))

namespace {

float samples[EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE];
float scores[EI_CLASSIFIER_LABEL_COUNT];

}  // namespace

extern "C" {

EXPORTED(eitk_samples) float* eitk_samples() { return samples; }

EXPORTED(eitk_scores) const float* eitk_scores() { return scores; }

EXPORTED(eitk_classify) int eitk_classify() {
    if (kLevelMode != LevelMode::kNone) write_levelled(samples, EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE, samples);
    ei::signal_t signal;
    ei::numpy::signal_from_buffer(samples, EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE, &signal);
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier(&signal, &result);
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) scores[i] = result.classification[i].value;
    return error;
}

}  // extern "C"
