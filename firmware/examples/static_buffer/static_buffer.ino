// Classifies a tone instead of the microphone: shows whether a board computes at all, and how fast.

#include <Project_inferencing.h>

static int tone(size_t offset, size_t length, float* out) {
    const float step = 6.2831853f * 440.0f / EI_CLASSIFIER_FREQUENCY;
    for (size_t i = 0; i < length; i++) out[i] = 8000.0f * sinf(step * (float)(offset + i));
    return 0;
}

void setup() { Serial.begin(115200); }

void loop() {
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &tone;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier(&signal, &result);
    ei_printf("run_classifier returned: %d\n", error);
    ei_printf("Timing: DSP %d ms, inference %d ms, anomaly %d ms\n", result.timing.dsp, result.timing.classification,
              result.timing.anomaly);
    for (size_t i = 0; i < EI_CLASSIFIER_LABEL_COUNT; i++)
        ei_printf("  %s: %.6f\n", result.classification[i].label, (double)result.classification[i].value);
    delay(1000);
}
