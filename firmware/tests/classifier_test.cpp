// The interface of a generated library: signals, callables, a window and a stream through the generated model.
#include <Project_inferencing.h>

#include <random>
#include <vector>

#include "check.h"

namespace {

int plus_one(int x) { return x + 1; }

std::vector<int16_t> noise(size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> distribution(0, 3000);
    std::vector<int16_t> samples(count);
    for (int16_t& sample : samples) sample = static_cast<int16_t>(distribution(random));
    return samples;
}

signal_t signal_of(const int16_t* samples, size_t length) {
    signal_t signal;
    signal.total_length = length;
    signal.get_data = [samples](size_t offset, size_t count, float* out) {
        return numpy::int16_to_float(samples + offset, out, count);
    };
    return signal;
}

}  // namespace

TEST(a_callable_holds_a_function_or_a_lambda) {
    eitk::Callable<int(int)> callable;
    CHECK(!callable);
    callable = &plus_one;
    CHECK(static_cast<bool>(callable));
    CHECK_EQUAL(callable(1), 2);
    const std::vector<int> values = {10, 20, 30};
    const int *a = values.data(), *b = a + 1, *c = a + 2;
    callable = [a, b, c](int x) { return *a + *b + *c + x; };
    CHECK_EQUAL(callable(1), 61);
    const eitk::Callable<int(int)> copy = callable;
    callable = &plus_one;
    CHECK_EQUAL(copy(2), 62);
}

TEST(signals_read_buffers) {
    const float data[] = {1, 2, 3, 4};
    signal_t signal;
    CHECK_EQUAL(numpy::signal_from_buffer(data, 4, &signal), 0);
    CHECK_EQUAL(signal.total_length, 4u);
    float out[2];
    CHECK_EQUAL(signal.get_data(1, 2, out), 0);
    CHECK(out[0] == 2 && out[1] == 3);
    const int8_t bytes[] = {-128, 127};
    CHECK_EQUAL(numpy::int8_to_float(bytes, out, 2), 0);
    CHECK(out[0] == -128 && out[1] == 127);
}

TEST(a_window_is_classified) {
    const std::vector<int16_t> samples = noise(EI_CLASSIFIER_RAW_SAMPLE_COUNT, 1);
    signal_t signal = signal_of(samples.data(), samples.size());
    ei_impulse_result_t result;
    CHECK_EQUAL(run_classifier(&signal, &result), EI_IMPULSE_OK);
    float sum = 0;
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        CHECK_EQUAL(std::string(result.classification[i].label), std::string(ei_classifier_inferencing_categories[i]));
        const int q = eitk_classifier_output_int8()[i];
        CHECK_EQUAL(result.classification[i].value, static_cast<float>(q + 128) / 256);
        sum += result.classification[i].value;
    }
    CHECK_NEAR(sum, 1, 2.0 / 256);
}

TEST(a_signal_of_another_length_is_rejected) {
    const std::vector<int16_t> samples = noise(EI_CLASSIFIER_RAW_SAMPLE_COUNT, 1);
    signal_t signal = signal_of(samples.data(), samples.size() - 1);
    ei_impulse_result_t result;
    CHECK_EQUAL(run_classifier(&signal, &result), EI_IMPULSE_ERROR_SHAPES_DONT_MATCH);
}

TEST(an_error_of_the_signal_is_returned) {
    signal_t signal;
    signal.total_length = EI_CLASSIFIER_RAW_SAMPLE_COUNT;
    signal.get_data = [](size_t, size_t, float*) { return -1; };
    ei_impulse_result_t result;
    CHECK_EQUAL(run_classifier(&signal, &result), EI_IMPULSE_DSP_ERROR);
    signal.total_length = EI_CLASSIFIER_SLICE_SIZE;
    run_classifier_init();
    CHECK_EQUAL(run_classifier_continuous(&signal, &result), EI_IMPULSE_DSP_ERROR);
}

// The first frame of a window depends on the end of the window, the first frame of a stream on the sample before it. So
// the stream is that of a window which repeats itself.
TEST(a_stream_is_classified_as_its_windows) {
    std::vector<int16_t> samples = noise(EI_CLASSIFIER_RAW_SAMPLE_COUNT, 2);
    signal_t window = signal_of(samples.data(), samples.size());
    ei_impulse_result_t result;
    CHECK_EQUAL(run_classifier(&window, &result), EI_IMPULSE_OK);
    const std::vector<int8_t> expected(eitk_classifier_output_int8(),
                                       eitk_classifier_output_int8() + EI_CLASSIFIER_LABEL_COUNT);
    run_classifier_init();
    for (int repetition = 0; repetition < 2; ++repetition) {
        for (size_t start = 0; start < samples.size(); start += EI_CLASSIFIER_SLICE_SIZE) {
            signal_t slice = signal_of(samples.data() + start, EI_CLASSIFIER_SLICE_SIZE);
            CHECK_EQUAL(run_classifier_continuous(&slice, &result), EI_IMPULSE_OK);
            const bool complete = repetition > 0 || start + EI_CLASSIFIER_SLICE_SIZE == samples.size();
            CHECK_EQUAL(result.classification[0].value > 0 || result.classification[1].value > 0, complete);
        }
    }
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) CHECK_EQUAL(eitk_classifier_output_int8()[i], expected[i]);
    run_classifier_deinit();
}
