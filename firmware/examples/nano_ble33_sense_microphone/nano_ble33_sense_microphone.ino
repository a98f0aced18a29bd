// Records a window through the microphone of an Arduino Nano 33 BLE Sense, classifies it, and begins again.

#include <PDM.h>
#include <Project_inferencing.h>

static int16_t window[EI_CLASSIFIER_RAW_SAMPLE_COUNT];
static volatile size_t recorded = EI_CLASSIFIER_RAW_SAMPLE_COUNT;

// Called by the microphone's interrupt: copies, and nothing else.
static void samples_ready() {
    static int16_t arrived[2048];
    const size_t count = PDM.read(arrived, PDM.available()) / sizeof arrived[0];
    for (size_t i = 0; i < count && recorded < EI_CLASSIFIER_RAW_SAMPLE_COUNT; i++) {
        window[recorded] = arrived[i];
        recorded = recorded + 1;
    }
}

static int window_samples(size_t offset, size_t length, float* out) {
    return numpy::int16_to_float(&window[offset], out, length);
}

static void record_window() {
    recorded = 0;
    while (recorded < EI_CLASSIFIER_RAW_SAMPLE_COUNT) delay(1);
}

void setup() {
    Serial.begin(115200);
    PDM.onReceive(&samples_ready);
    PDM.setBufferSize(4096);
    if (!PDM.begin(1, EI_CLASSIFIER_FREQUENCY)) ei_printf("ERR: Failed to start PDM!\n");
    PDM.setGain(80);  // +20 dB, the most that the hardware has
}

void loop() {
    record_window();
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &window_samples;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier(&signal, &result);
    if (error != EI_IMPULSE_OK) {
        ei_printf("ERR: Failed to run classifier (%d)\n", error);
        return;
    }
    ei_printf("Predictions (DSP: %d ms., Classification: %d ms., Anomaly: %d ms.): \n", result.timing.dsp,
              result.timing.classification, result.timing.anomaly);
    for (size_t i = 0; i < EI_CLASSIFIER_LABEL_COUNT; i++)
        ei_printf("    %s: %.5f\n", result.classification[i].label, (double)result.classification[i].value);
}
