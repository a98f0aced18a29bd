// Classifies a computed tone instead of the microphone. Shows whether a board computes correctly, and how fast.

#include <Project_inferencing.h>

static int read_tone(size_t offset, size_t length, float* out) {
    const float step = 6.2831853f * 440.0f / EI_CLASSIFIER_FREQUENCY;
    for (size_t i = 0; i < length; i++) out[i] = 8000.0f * sinf(step * static_cast<float>(offset + i));
    return 0;
}

void setup() { Serial.begin(115200); }

void loop() {
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &read_tone;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier(&signal, &result);
    ei_printf("run_classifier returned: %d\n", error);
    ei_printf("Timing: DSP %d ms, inference %d ms, anomaly %d ms\n", result.timing.dsp, result.timing.classification,
              result.timing.anomaly);
    for (const ei_impulse_result_classification_t& score : result.classification) {
        ei_printf("  %s: %.6f\n", score.label, static_cast<double>(score.value));
    }
    delay(1000);
}
