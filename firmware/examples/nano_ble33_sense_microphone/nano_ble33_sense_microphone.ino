// Records one window through the microphone of an Arduino Nano 33 BLE Sense, classifies it, and repeats.

#include <PDM.h>
#include <Project_inferencing.h>

#include <atomic>

static int16_t window[EI_CLASSIFIER_RAW_SAMPLE_COUNT];
static std::atomic<size_t> recorded{EI_CLASSIFIER_RAW_SAMPLE_COUNT};

// The PDM library calls this in its interrupt.
static void copy_samples() {
    static int16_t buffer[2048];
    const size_t count = PDM.read(buffer, PDM.available()) / sizeof buffer[0];
    size_t end = recorded.load(std::memory_order_relaxed);
    for (size_t i = 0; i < count && end < EI_CLASSIFIER_RAW_SAMPLE_COUNT; i++) window[end++] = buffer[i];
    recorded.store(end, std::memory_order_release);
}

static int read_window(size_t offset, size_t length, float* out) {
    return numpy::int16_to_float(&window[offset], out, length);
}

static void record_window() {
    recorded.store(0, std::memory_order_release);
    while (recorded.load(std::memory_order_acquire) < EI_CLASSIFIER_RAW_SAMPLE_COUNT) delay(1);
}

void setup() {
    Serial.begin(115200);
    PDM.onReceive(&copy_samples);
    PDM.setBufferSize(4096);
    if (PDM.begin(1, EI_CLASSIFIER_FREQUENCY) == 0) ei_printf("ERR: Failed to start PDM!\n");
    PDM.setGain(80);  // +20 dB, the highest gain of the hardware
}

void loop() {
    record_window();
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &read_window;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier(&signal, &result);
    if (error != EI_IMPULSE_OK) {
        ei_printf("ERR: Failed to run classifier (%d)\n", error);
        return;
    }
    ei_printf("Predictions (DSP: %d ms., Classification: %d ms., Anomaly: %d ms.): \n", result.timing.dsp,
              result.timing.classification, result.timing.anomaly);
    for (const ei_impulse_result_classification_t& score : result.classification) {
        ei_printf("    %s: %.5f\n", score.label, static_cast<double>(score.value));
    }
}
