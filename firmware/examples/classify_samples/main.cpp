// Classifies one window: classify_samples FILE, where FILE has 16-bit little-endian mono samples.

#include <stdio.h>

#include <Project_inferencing.h>

static int16_t window[EI_CLASSIFIER_RAW_SAMPLE_COUNT];

static int read_samples(size_t offset, size_t length, float* out) {
    return numpy::int16_to_float(&window[offset], out, length);
}

static bool read_window(const char* path) {
    FILE* file = fopen(path, "rb");
    if (file == nullptr) return false;
    const size_t count = fread(window, sizeof window[0], EI_CLASSIFIER_RAW_SAMPLE_COUNT, file);
    fclose(file);
    return count == EI_CLASSIFIER_RAW_SAMPLE_COUNT;
}

int main(int argc, char** argv) {
    if (argc != 2 || !read_window(argv[1])) {
        fprintf(stderr, "usage: classify_samples FILE, with %d samples of 16 bits\n", EI_CLASSIFIER_RAW_SAMPLE_COUNT);
        return 2;
    }
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = &read_samples;
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error = run_classifier(&signal, &result);
    if (error != EI_IMPULSE_OK) {
        fprintf(stderr, "run_classifier: %d\n", error);
        return 1;
    }
    for (const ei_impulse_result_classification_t& score : result.classification) {
        printf("%s: %.6f\n", score.label, static_cast<double>(score.value));
    }
    return 0;
}
