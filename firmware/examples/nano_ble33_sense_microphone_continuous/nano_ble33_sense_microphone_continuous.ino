// Listens without a pause: every quarter of a window the newest window is classified. Frames are computed as samples
// arrive, so two slices are all the audio that is ever kept.

#define EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW 4

#include <PDM.h>
#include <Project_inferencing.h>

static int16_t slices[2][EI_CLASSIFIER_SLICE_SIZE];
static volatile uint8_t recording = 0;
static volatile size_t recorded = 0;
static volatile bool ready = false;
static volatile bool overrun = false;

// Called by the microphone's interrupt: fills one slice while the other is classified.
static void samples_ready() {
    static int16_t arrived[2048];
    const size_t count = PDM.read(arrived, PDM.available()) / sizeof arrived[0];
    for (size_t i = 0; i < count; i++) {
        slices[recording][recorded] = arrived[i];
        recorded = recorded + 1;
        if (recorded < EI_CLASSIFIER_SLICE_SIZE) continue;
        overrun = overrun || ready;
        ready = true;
        recorded = 0;
        recording = 1 - recording;
    }
}

static int slice_samples(size_t offset, size_t length, float* out) {
    return numpy::int16_to_float(&slices[1 - recording][offset], out, length);
}

void setup() {
    Serial.begin(115200);
    run_classifier_init();
    PDM.onReceive(&samples_ready);
    PDM.setBufferSize(4096);
    if (!PDM.begin(1, EI_CLASSIFIER_FREQUENCY)) ei_printf("ERR: Failed to start PDM!\n");
    PDM.setGain(80);  // +20 dB, the most that the hardware has
}

void loop() {
    if (!ready) return;
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_SLICE_SIZE;
    signal.get_data = &slice_samples;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier_continuous(&signal, &result);
    ready = false;
    if (overrun) ei_printf("Error sample buffer overrun. Decrease EI_CLASSIFIER_SLICES_PER_MODEL_WINDOW\n");
    overrun = false;
    if (error != EI_IMPULSE_OK) {
        ei_printf("ERR: Failed to run classifier (%d)\n", error);
        return;
    }
    ei_printf("Predictions (DSP: %d ms., Classification: %d ms., Anomaly: %d ms.): \n", result.timing.dsp,
              result.timing.classification, result.timing.anomaly);
    for (size_t i = 0; i < EI_CLASSIFIER_LABEL_COUNT; i++)
        ei_printf("    %s: %.5f\n", result.classification[i].label, (double)result.classification[i].value);
}
