#include "eitk/classifier/inference.h"

#include "model-parameters/model_variables.h"

namespace eitk {
namespace {

int read_signal(const void* context, size_t offset, size_t length, float* out) {
    return static_cast<const ei::signal_t*>(context)->get_data(offset, length, out);
}

int milliseconds(int64_t us) { return static_cast<int>((us + 500) / 1000); }

// The clock of Arduino cores has 32 bits and wraps every 71 minutes.
int64_t elapsed_us(uint64_t started_us) { return static_cast<uint32_t>(ei_read_timer_us() - started_us); }

// The real value of an int8 value. Models that work in float have scale 1 and zero point 0.
template <typename Value>
float dequantised(Value value, float scale, int zero_point) {
    return static_cast<float>(value - zero_point) * scale;
}

void print_features() {
    ei_printf("Features: ");
    for (int i = 0; i < model::kInputSize; ++i) {
        ei_printf_float(dequantised(model::input()[i], model::kInputScale, model::kInputZeroPoint));
        ei_printf(" ");
    }
    ei_printf("\n");
}

}  // namespace

dsp::SampleSource source_of(const ei::signal_t& signal) { return {read_signal, &signal, signal.total_length}; }

dsp::FeatureWriter writer_at(int8_t* at) { return {at, model::kInputScale, model::kInputZeroPoint}; }

dsp::FeatureWriter writer_at(float* at) { return dsp::FeatureWriter(at); }

void clear(ei_impulse_result_t* result) {
    *result = ei_impulse_result_t();
    for (int i = 0; i < model::kOutputSize; ++i)
        result->classification[i].label = ei_classifier_inferencing_categories[i];
}

void set_dsp_time(ei_impulse_result_t* result, uint64_t started_us) {
    result->timing.dsp_us = elapsed_us(started_us);
    result->timing.dsp = milliseconds(result->timing.dsp_us);
}

EI_IMPULSE_ERROR infer(ei_impulse_result_t* result, bool debug) {
    if (debug) print_features();
    if (ei_run_impulse_check_canceled() == EI_IMPULSE_CANCELED) return EI_IMPULSE_CANCELED;
    const uint64_t started_us = ei_read_timer_us();
    model::invoke();
    result->timing.classification_us = elapsed_us(started_us);
    result->timing.classification = milliseconds(result->timing.classification_us);
    for (int i = 0; i < model::kOutputSize; ++i)
        result->classification[i].value = dequantised(model::output()[i], model::kOutputScale, model::kOutputZeroPoint);
    return EI_IMPULSE_OK;
}

}  // namespace eitk

namespace {

template <typename Output>
struct Int8OrNull {
    static const int8_t* from(const Output*) { return nullptr; }
};

template <>
struct Int8OrNull<int8_t> {
    static const int8_t* from(const int8_t* output) { return output; }
};

}  // namespace

const int8_t* eitk_classifier_output_int8() { return Int8OrNull<eitk::model::Output>::from(eitk::model::output()); }
