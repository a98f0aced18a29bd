#include "responses.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "json_text.h"
#include "model-parameters/model_variables.h"
#include "shared_memory.h"

namespace {

constexpr double kFrequency = EI_CLASSIFIER_FREQUENCY, kIntervalMs = EI_CLASSIFIER_INTERVAL_MS;

// Adds formatted numbers. Text of any length is added by itself.
__attribute__((format(printf, 2, 3))) void add(std::string* out, const char* format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    *out += text;
}

std::string begin(const int64_t* id, bool success) {
    std::string out = "{";
    if (id != nullptr) add(&out, R"("id":%)" PRId64 ",", *id);
    return out + (success ? R"("success":true)" : R"("success":false)");
}

void add_project(std::string* out) {
    *out += R"(,"project":{"owner":)" + json::quoted(EI_CLASSIFIER_PROJECT_OWNER);
    *out += R"(,"name":)" + json::quoted(EI_CLASSIFIER_PROJECT_NAME);
    add(out, R"(,"id":%d,"deploy_version":%d,"impulse_id":%d})", EI_CLASSIFIER_PROJECT_ID,
        EI_CLASSIFIER_PROJECT_DEPLOY_VERSION, EI_CLASSIFIER_IMPULSE_ID);
}

void add_labels(std::string* out) {
    *out += R"(,"labels":[)";
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        *out += (i > 0 ? "," : "") + json::quoted(ei_classifier_inferencing_categories[i]);
    }
    *out += ']';
}

void add_model(std::string* out) {
    add(out, R"(,"model_parameters":{"input_features_count":%d,"axis_count":%d,"frequency":%.10g)",
        EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE, EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME, kFrequency);
    add(out, R"(,"interval_ms":%.10g,"sensor":%d,"label_count":%d)", kIntervalMs, EI_CLASSIFIER_SENSOR,
        EI_CLASSIFIER_LABEL_COUNT);
    add_labels(out);
    add(out, R"(,"slice_size":%d,"use_continuous_mode":true,"inferencing_engine":%d)", EI_CLASSIFIER_SLICE_SIZE,
        EI_CLASSIFIER_INFERENCING_ENGINE);
    *out += R"(,"model_type":"classification","has_anomaly":0,"has_object_tracking":false)"
            R"(,"has_performance_calibration":false,"thresholds":[])"
            R"(,"image_input_width":0,"image_input_height":0,"image_input_frames":0,"image_channel_count":0)"
            R"(,"image_resize_mode":"none"})";
    add(out, R"(,"inferencing_engine":{"engine_type":%d,"properties":[]})", EI_CLASSIFIER_INFERENCING_ENGINE);
    *out += R"(,"eitk":{"model_sha256":")" EITK_MODEL_SHA256 R"("})";
}

void add_shared_memory(std::string* out) {
    const size_t count = EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE;
    *out += R"(,"features_shm":{"name":)" + json::quoted(shared_memory::name());
    add(out, R"(,"size_bytes":%zu,"type":"float32","elements":%zu})", count * sizeof(float), count);
}

}  // namespace

std::string failure(const int64_t* id, const std::string& error) {
    return begin(id, false) + R"(,"error":)" + json::quoted(error.c_str()) + '}';
}

std::string model_description(int64_t id, const char* memory_error) {
    std::string out = begin(&id, true);
    add_project(&out);
    add_model(&out);
    if (memory_error != nullptr) out += R"(,"features_shm_error":)" + json::quoted(memory_error);
    if (shared_memory::samples() != nullptr) add_shared_memory(&out);
    return out + '}';
}

std::string classification(int64_t id, const ei_impulse_result_t& result) {
    std::string out = begin(&id, true) + R"(,"result":{"classification":{)";
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        out += (i > 0 ? "," : "") + json::quoted(result.classification[i].label);
        add(&out, ":%.9g", static_cast<double>(result.classification[i].value));
    }
    const ei_impulse_result_timing_t& timing = result.timing;
    add(&out, R"(}},"timing":{"dsp":%d,"classification":%d,"anomaly":0,"postprocessing":0)", timing.dsp,
        timing.classification);
    add(&out, R"(,"dsp_us":%)" PRId64 R"(,"classification_us":%)" PRId64 "}}", timing.dsp_us, timing.classification_us);
    return out;
}
