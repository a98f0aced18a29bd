#include "eitk/classifier/inference.h"

#include "model-parameters/model_variables.h"

namespace eitk {
namespace {

int read_signal(const void* context, size_t offset, size_t length, float* out) {
    return static_cast<const ei::signal_t*>(context)->get_data(offset, length, out);
}

int milliseconds(int64_t us) { return static_cast<int>((us + 500) / 1000); }

// Arduino's clock has 32 bits and wraps every 71 minutes.
int64_t since(uint64_t started_us) { return static_cast<uint32_t>(ei_read_timer_us() - started_us); }

inline float plain(int8_t value, float scale, int zero_point) { return static_cast<float>(value - zero_point) * scale; }

inline float plain(float value, float, int) { return value; }

void print_features() {
    ei_printf("Features: ");
    for (int i = 0; i < model::kInputSize; ++i) {
        ei_printf_float(plain(model::input()[i], model::kInputScale, model::kInputZeroPoint));
        ei_printf(" ");
    }
    ei_printf("\n");
}

}  // namespace

dsp::SampleSource source_of(const ei::signal_t& signal) { return {read_signal, &signal, signal.total_length}; }

dsp::FeatureWriter writer_at(int8_t* at) { return dsp::FeatureWriter(at, model::kInputScale, model::kInputZeroPoint); }

dsp::FeatureWriter writer_at(float* at) { return dsp::FeatureWriter(at); }

void clear(ei_impulse_result_t* result) {
    *result = ei_impulse_result_t();
    for (int i = 0; i < model::kOutputSize; ++i)
        result->classification[i].label = ei_classifier_inferencing_categories[i];
}

void set_dsp_time(ei_impulse_result_t* result, uint64_t started_us) {
    result->timing.dsp_us = since(started_us);
    result->timing.dsp = milliseconds(result->timing.dsp_us);
}

EI_IMPULSE_ERROR infer(ei_impulse_result_t* result, bool debug) {
    if (debug) print_features();
    if (ei_run_impulse_check_canceled() == EI_IMPULSE_CANCELED) return EI_IMPULSE_CANCELED;
    const uint64_t started_us = ei_read_timer_us();
    model::invoke();
    result->timing.classification_us = since(started_us);
    result->timing.classification = milliseconds(result->timing.classification_us);
    for (int i = 0; i < model::kOutputSize; ++i)
        result->classification[i].value = plain(model::output()[i], model::kOutputScale, model::kOutputZeroPoint);
    return EI_IMPULSE_OK;
}

}  // namespace eitk

namespace {

inline const int8_t* int8_or_null(const int8_t* output) { return output; }

inline const int8_t* int8_or_null(const float*) { return nullptr; }

}  // namespace

const int8_t* eitk_classifier_output_int8() { return int8_or_null(eitk::model::output()); }
