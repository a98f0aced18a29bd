// The window that the classifier reads: a run of samples, levelled on the way out, never copied.
#pragma once

#include "eitk_config.h"
#include "level.h"

class Window {
public:
    static constexpr uint32_t kSamples = EI_CLASSIFIER_RAW_SAMPLE_COUNT;

    // Points the window at `kSamples` samples read through `at(start + i)` and measures their level.
    void open(int16_t (*at)(uint32_t), uint32_t start) {
        at_ = at;
        start_ = start;
        level_ = measure_level([this](uint32_t i) { return at_(start_ + i); }, kSamples, config::kLevelTarget,
                               config::kLevelMaxGainQ16);
    }

    int16_t sample(uint32_t i) const { return apply_level(at_(start_ + i), level_, config::kLevelMode); }

    const Level& level() const { return level_; }

private:
    int16_t (*at_)(uint32_t) = nullptr;
    uint32_t start_ = 0;
    Level level_;
};

static Window window;

// The callback of the library's signal_t.
static int read_window(size_t offset, size_t length, float* out) {
    for (size_t i = 0; i < length; ++i) out[i] = static_cast<float>(window.sample(static_cast<uint32_t>(offset + i)));
    return 0;
}

inline EI_IMPULSE_ERROR classify_window(ei_impulse_result_t* result) {
    signal_t signal;
    signal.total_length = Window::kSamples;
    signal.get_data = &read_window;
    return run_classifier(&signal, result, false);
}
