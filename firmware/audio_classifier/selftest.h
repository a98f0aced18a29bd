// Self-test: computed windows pass through level, processing blocks and model, and checksums show what came out.
// ei_toolkit/board/verify/selftest.py computes the same two checksums.
#pragma once

#include "crc32.h"
#include "model.h"

struct SelfTest {
    uint32_t samples_crc = 0;  // CRC-32 of the levelled samples of all windows
    uint32_t scores_crc = 0;   // CRC-32 of the int8 scores of all windows
    bool ok = true;
};

// Test signals for Window::open, computed in integer arithmetic. Sample i of test window v has the index
// v * 2^20 + i: a triangle wave of its own period, and noise whose level falls from window to window.
struct TestSignals {
    static constexpr uint32_t kWindows = 4;

    static constexpr uint32_t start(uint32_t window) { return window << 20; }

    static int16_t sample(uint32_t index) {
        const int32_t window = static_cast<int32_t>(index >> 20);
        const int32_t period = 40 + 64 * window;
        const int32_t phase = static_cast<int32_t>((index & 0xFFFFF) % static_cast<uint32_t>(period));
        const int32_t triangle = (phase * 2 < period ? phase : period - phase) * 16000 / period - 4000;
        uint32_t hash = (index + 1) * 2654435761u;
        hash ^= hash >> 15;
        hash *= 2246822519u;
        const int32_t noise = static_cast<int32_t>(hash >> 18) - 8192;
        return static_cast<int16_t>(triangle / (window + 1) + (noise >> window) + 100);
    }
};

// Runs the self-test. `classify(&result)` classifies what is in `window`.
template <typename Window, typename Classify>
SelfTest run_self_test(Window& window, Classify classify) {
    SelfTest test;
    uint32_t samples_crc = 0xFFFFFFFFu, scores_crc = 0xFFFFFFFFu;
    const TestSignals signals;
    for (uint32_t v = 0; v < TestSignals::kWindows; ++v) {
        ei_impulse_result_t result = {};
        window.open(signals, TestSignals::start(v));
        for (uint32_t i = 0; i < Window::kLength; ++i) {
            const uint16_t x = static_cast<uint16_t>(window.sample(i));
            samples_crc = add_to_crc32(samples_crc, static_cast<uint8_t>(x));
            samples_crc = add_to_crc32(samples_crc, static_cast<uint8_t>(x >> 8));
        }
        test.ok = classify(&result) == EI_IMPULSE_OK && test.ok;
        for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
            scores_crc = add_to_crc32(scores_crc, static_cast<uint8_t>(quantised_output(result, i)));
        }
    }
    test.samples_crc = ~samples_crc;
    test.scores_crc = ~scores_crc;
    return test;
}
