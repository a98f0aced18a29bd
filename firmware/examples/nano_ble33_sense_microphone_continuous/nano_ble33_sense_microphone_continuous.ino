// Classifies the microphone of an Arduino Nano 33 BLE Sense continuously: after every quarter of a window the newest
// window is classified. Features are computed as samples arrive, so that only two slices of audio are stored.

#define EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW 4

#include <PDM.h>
#include <Project_inferencing.h>

#include <atomic>

static int16_t slices[2][EI_CLASSIFIER_SLICE_SIZE];
static std::atomic<uint32_t> recording{0};  // the slice that the interrupt fills; the loop reads the other one
static std::atomic<bool> ready{false};
static std::atomic<bool> overrun{false};

// The PDM library calls this in its interrupt. It fills one slice while the other one is classified.
static void copy_samples() {
    static int16_t buffer[2048];
    static size_t recorded = 0;
    const size_t count = PDM.read(buffer, PDM.available()) / sizeof buffer[0];
    for (size_t i = 0; i < count; i++) {
        const uint32_t slice = recording.load(std::memory_order_relaxed);
        slices[slice][recorded++] = buffer[i];
        if (recorded < EI_CLASSIFIER_SLICE_SIZE) continue;
        if (ready.load(std::memory_order_acquire)) overrun.store(true, std::memory_order_relaxed);
        recorded = 0;
        recording.store(1 - slice, std::memory_order_relaxed);
        ready.store(true, std::memory_order_release);
    }
}

static int read_slice(size_t offset, size_t length, float* out) {
    const int16_t* slice = slices[1 - recording.load(std::memory_order_relaxed)];
    return numpy::int16_to_float(slice + offset, out, length);
}

void setup() {
    Serial.begin(115200);
    run_classifier_init();
    PDM.onReceive(&copy_samples);
    PDM.setBufferSize(4096);
    if (PDM.begin(1, EI_CLASSIFIER_FREQUENCY) == 0) ei_printf("ERR: Failed to start PDM!\n");
    PDM.setGain(80);  // +20 dB, the highest gain of the hardware
}

void loop() {
    if (!ready.load(std::memory_order_acquire)) return;
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_SLICE_SIZE;
    signal.get_data = &read_slice;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier_continuous(&signal, &result);
    ready.store(false, std::memory_order_release);
    if (overrun.load(std::memory_order_relaxed)) {
        ei_printf("Error sample buffer overrun. Decrease EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW\n");
        overrun.store(false, std::memory_order_relaxed);
    }
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
