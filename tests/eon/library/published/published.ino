// An equivalent of the sketch that the reference project published, written for the tests: one window is recorded into
// a buffer on the heap, classified as a whole, printed, and shown by the LED. It uses nothing but the public API.

#define EIDSP_QUANTIZE_FILTERBANK 0

#include <PDM.h>
#include <Music_Genre_Classifier_inferencing.h>

typedef struct {
    int16_t *buffer;
    uint8_t ready;
    uint32_t count;
    uint32_t wanted;
} recording_t;

static recording_t recording;
static signed short pdm_buffer[2048];
static bool debug_nn = false;

static void lights(int red, int green, int blue) {
    digitalWrite(LEDR, red ? LOW : HIGH);
    digitalWrite(LEDG, green ? LOW : HIGH);
    digitalWrite(LEDB, blue ? LOW : HIGH);
}

static void pdm_ready(void) {
    int bytes_available = PDM.available();
    int bytes_read = PDM.read((char *)&pdm_buffer[0], bytes_available);
    if (recording.ready == 0) {
        for (int i = 0; i < bytes_read >> 1; i++) {
            recording.buffer[recording.count++] = pdm_buffer[i];
            if (recording.count >= recording.wanted) {
                recording.count = 0;
                recording.ready = 1;
                break;
            }
        }
    }
}

static void microphone_end(void) {
    PDM.end();
    ei_free(recording.buffer);
}

static bool microphone_start(uint32_t samples) {
    recording.buffer = (int16_t *)ei_malloc(samples * sizeof(int16_t));
    if (recording.buffer == NULL) return false;
    recording.count = 0;
    recording.wanted = samples;
    recording.ready = 0;
    PDM.onReceive(&pdm_ready);
    PDM.setBufferSize(4096);
    if (!PDM.begin(1, EI_CLASSIFIER_FREQUENCY)) {
        ei_printf("Failed to start PDM!");
        microphone_end();
        return false;
    }
    PDM.setGain(127);
    return true;
}

static bool microphone_record(void) {
    recording.ready = 0;
    recording.count = 0;
    while (recording.ready == 0) delay(10);
    return true;
}

static int microphone_audio_signal_get_data(size_t offset, size_t length, float *out_ptr) {
    numpy::int16_to_float(&recording.buffer[offset], out_ptr, length);
    return 0;
}

void setup() {
    Serial.begin(115200);
    while (!Serial);
    pinMode(LEDR, OUTPUT);
    pinMode(LEDG, OUTPUT);
    pinMode(LEDB, OUTPUT);
    lights(0, 0, 0);
    Serial.println("Edge Impulse Inferencing Demo");
    ei_printf("Inferencing settings:\n");
    ei_printf("\tInterval: %.2f ms.\n", (float)EI_CLASSIFIER_INTERVAL_MS);
    ei_printf("\tFrame size: %d\n", EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE);
    ei_printf("\tSample length: %d ms.\n", EI_CLASSIFIER_RAW_SAMPLE_COUNT / 16);
    ei_printf("\tNo. of classes: %d\n",
              sizeof(ei_classifier_inferencing_categories) / sizeof(ei_classifier_inferencing_categories[0]));
    if (microphone_start(EI_CLASSIFIER_RAW_SAMPLE_COUNT) == false) {
        ei_printf("ERR: Could not allocate audio buffer (size %d)\r\n", EI_CLASSIFIER_RAW_SAMPLE_COUNT);
        return;
    }
}

void loop() {
    ei_printf("Starting inferencing in 2 seconds...\n");
    delay(2000);
    ei_printf("Recording...\n");
    if (!microphone_record()) {
        ei_printf("ERR: Failed to record audio...\n");
        return;
    }
    ei_printf("Recording done\n");

    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &microphone_audio_signal_get_data;
    ei_impulse_result_t result = {0};
    EI_IMPULSE_ERROR r = run_classifier(&signal, &result, debug_nn);
    if (r != EI_IMPULSE_OK) {
        ei_printf("ERR: Failed to run classifier (%d)\n", r);
        return;
    }

    ei_printf("Predictions ");
    ei_printf("(DSP: %d ms., Classification: %d ms., Anomaly: %d ms.)", result.timing.dsp, result.timing.classification,
              result.timing.anomaly);
    ei_printf(":\n");
    size_t best = 0;
    for (size_t ix = 0; ix < EI_CLASSIFIER_LABEL_COUNT; ix++) {
        ei_printf("    %s: %.5f\n", result.classification[ix].label, result.classification[ix].value);
        if (result.classification[ix].value > result.classification[best].value) best = ix;
    }
#if EI_CLASSIFIER_HAS_ANOMALY == 1
    ei_printf("    anomaly score: %.3f\n", result.anomaly);
#endif
    bool sure = result.classification[best].value >= 0.6;
    bool rock = sure && strcmp(result.classification[best].label, "rock") == 0;
    bool classical = sure && strcmp(result.classification[best].label, "classical") == 0;
    lights(rock, classical, !rock && !classical);
}

#if !defined(EI_CLASSIFIER_SENSOR) || EI_CLASSIFIER_SENSOR != EI_CLASSIFIER_SENSOR_MICROPHONE
#error "Invalid model for current sensor."
#endif
