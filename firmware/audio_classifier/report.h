// The lines on the serial line: the text that Edge Impulse's sketches print, and one JSON object a line for programs.
// ei_toolkit/board reads both.
#pragma once

#include <Arduino.h>
#include <math.h>

#include "json.h"
#include "led.h"
#include "level.h"
#include "model.h"
#include "selftest.h"

// One result. `result` and `level` are those of the window.
struct Prediction {
    const ei_impulse_result_t& result;
    const Level& level;
    uint32_t sequence;
    uint64_t window_end;  // samples recorded since the microphone started, up to the end of the window
    int winner;           // index of the recognised label, negative while uncertain
    Colour colour;
    uint32_t overruns;
};

// Level in dB relative to full scale; a silent window counts as an RMS of 1/256.
inline float level_dbfs(const Level& level) {
    const float rms = static_cast<float>(level.rms_q8 > 0 ? level.rms_q8 : 1) / 256.0f;
    return 20.0f * log10f(rms / 32768.0f);
}

inline void print_text(Print& out, const ei_impulse_result_t& result) {
    out.print(F("Predictions (DSP: "));
    out.print(static_cast<int>(result.timing.dsp));
    out.print(F(" ms., Classification: "));
    out.print(static_cast<int>(result.timing.classification));
    out.print(F(" ms., Anomaly: "));
    out.print(static_cast<int>(result.timing.anomaly));
    out.println(F(" ms.): "));
    for (const auto& score : result.classification) {
        out.print(F("    "));
        out.print(score.label);
        out.print(F(": "));
        out.println(score.value, 5);
    }
}

inline void print_scores(Print& out, const ei_impulse_result_t& result) {
    out.print(F(",\"scores\":{"));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        if (i > 0) out.print(',');
        print_json_string(out, result.classification[i].label);
        out.print(':');
        out.print(result.classification[i].value, 5);
    }
    out.print('}');
    if (!kQuantised) return;
    out.print(F(",\"q\":["));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        if (i > 0) out.print(',');
        out.print(static_cast<int>(quantised_output(result, i)));
    }
    out.print(']');
}

inline void print_prediction(Print& out, const Prediction& prediction) {
    const ei_impulse_result_t& result = prediction.result;
    out.print(F("{\"eitk\":1,\"seq\":"));
    out.print(static_cast<unsigned long>(prediction.sequence));
    out.print(F(",\"end\":"));
    print_uint64(out, prediction.window_end);
    out.print(F(",\"ms\":"));
    out.print(static_cast<unsigned long>(millis()));
    out.print(F(",\"model\":"));
    print_json_string(out, model_name(), kModelNameLength);
    out.print(F(",\"level_dbfs\":"));
    out.print(level_dbfs(prediction.level), 2);
    print_scores(out, result);
    out.print(F(",\"winner\":"));
    print_json_string(out, prediction.winner < 0 ? "uncertain" : result.classification[prediction.winner].label);
    out.print(F(",\"led\":"));
    print_json_string(out, prediction.colour.name);
    out.print(F(",\"dsp_us\":"));
    out.print(static_cast<long>(result.timing.dsp_us));
    out.print(F(",\"nn_us\":"));
    out.print(static_cast<long>(result.timing.classification_us));
    out.print(F(",\"overruns\":"));
    out.print(static_cast<unsigned long>(prediction.overruns));
    out.println('}');
}

// The lines with which Edge Impulse's sketches start.
inline void print_settings(Print& out) {
    // Conversions, because a library of Edge Impulse may define its macros with other types.
    constexpr int kFrameSize = EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE, kLabels = EI_CLASSIFIER_LABEL_COUNT;
    constexpr int kLengthMs = EI_CLASSIFIER_RAW_SAMPLE_COUNT / (EI_CLASSIFIER_FREQUENCY / 1000);
    out.println(F("Edge Impulse Inferencing Demo"));
    out.println(F("Inferencing settings:"));
    out.print(F("\tInterval: "));
    out.print(static_cast<float>(EI_CLASSIFIER_INTERVAL_MS), 2);
    out.println(F(" ms."));
    out.print(F("\tFrame size: "));
    out.println(kFrameSize);
    out.print(F("\tSample length: "));
    out.print(kLengthMs);
    out.println(F(" ms."));
    out.print(F("\tNo. of classes: "));
    out.println(kLabels);
}

inline void print_info(Print& out, float threshold, const char* state) {
    out.print(F("{\"eitk\":1,\"info\":{\"sketch\":"));
    print_json_string(out, config::kVersion);
    out.print(F(",\"board\":"));
    print_json_string(out, config::kBoard);
    out.print(F(",\"firmware\":"));
    print_json_string(out, config::kFirmware);
    out.print(F(",\"model\":"));
    print_json_string(out, model_name(), kModelNameLength);
    out.print(F(",\"model_sha256\":"));
    print_json_string(out, model_sha256());
    out.print(F(",\"labels\":["));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        if (i > 0) out.print(',');
        print_json_string(out, ei_classifier_inferencing_categories[i]);
    }
    out.print(F("],\"window\":"));
    out.print(static_cast<unsigned long>(EI_CLASSIFIER_RAW_SAMPLE_COUNT));
    out.print(F(",\"hop\":"));
    out.print(static_cast<unsigned long>(config::kHopSamples));
    out.print(F(",\"threshold\":"));
    out.print(threshold, 3);
    out.print(F(",\"smoothing\":"));
    out.print(config::kSmoothing);
    out.print(F(",\"state\":"));
    print_json_string(out, state);
    out.println(F("}}"));
}

inline void print_state(Print& out, const char* state) {
    out.print(F("{\"eitk\":1,\"state\":"));
    print_json_string(out, state);
    out.println('}');
}

inline void print_self_test(Print& out, const SelfTest& test) {
    out.print(F("{\"eitk\":1,\"selftest\":{\"ok\":"));
    out.print(test.ok ? F("true") : F("false"));
    out.print(F(",\"samples_crc\":"));
    out.print(static_cast<unsigned long>(test.samples_crc));
    out.print(F(",\"scores_crc\":"));
    out.print(static_cast<unsigned long>(test.scores_crc));
    out.println(F("}}"));
}
