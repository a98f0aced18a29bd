// Self-test: windows made by arithmetic alone go through level, DSP and model; a CRC says what came out.
// ei_toolkit/board/selftest.py computes the same two numbers.
#pragma once

#include "model.h"
#include "window.h"

struct SelfTest {
    uint32_t samples_crc = 0;  // over the levelled samples of all windows
    uint32_t scores_crc = 0;   // over the int8 scores of all windows
    bool ok = true;
};

inline uint32_t crc32_of(uint32_t crc, uint8_t byte) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0xEDB88320u : 0);
    return crc;
}

// Window v, sample i is number v * 2^20 + i: a triangle of its own period under noise that fades from window to window.
inline int16_t selftest_sample(uint32_t number) {
    const uint32_t v = number >> 20, i = number & 0xFFFFF;
    const int32_t period = 40 + 64 * static_cast<int32_t>(v);
    const int32_t phase = static_cast<int32_t>(i % static_cast<uint32_t>(period));
    const int32_t triangle = (phase * 2 < period ? phase : period - phase) * 16000 / period - 4000;
    uint32_t hash = (number + 1) * 2654435761u;
    hash ^= hash >> 15;
    hash *= 2246822519u;
    const int32_t noise = static_cast<int32_t>(hash >> 18) - 8192;
    return static_cast<int16_t>(triangle / (static_cast<int32_t>(v) + 1) + (noise >> v) + 100);
}

inline SelfTest self_test() {
    constexpr uint32_t kWindows = 4;
    SelfTest test;
    uint32_t samples = 0xFFFFFFFFu, scores = 0xFFFFFFFFu;
    for (uint32_t v = 0; v < kWindows; ++v) {
        ei_impulse_result_t result = {};
        window.open(selftest_sample, v << 20);
        for (uint32_t i = 0; i < Window::kSamples; ++i) {
            const uint16_t x = static_cast<uint16_t>(window.sample(i));
            samples = crc32_of(crc32_of(samples, static_cast<uint8_t>(x)), static_cast<uint8_t>(x >> 8));
        }
        test.ok = classify_window(&result) == EI_IMPULSE_OK && test.ok;
        for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
            scores = crc32_of(scores, static_cast<uint8_t>(quantised_output(result, i)));
        }
    }
    test.samples_crc = ~samples;
    test.scores_crc = ~scores;
    return test;
}
