// What goes out on the serial line: the text that Edge Impulse's sketches print, and one JSON line for programs.
#pragma once

#include <Arduino.h>
#include <math.h>

#include "lights.h"
#include "microphone.h"
#include "model.h"
#include "selftest.h"
#include "window.h"

struct Answer {
    uint32_t seq;
    uint64_t end;  // samples heard since the microphone started, up to the end of the window
    int winner;    // index of the label that holds, or negative while undecided
    Colour colour;
    uint32_t overruns;
};

inline void print_json_text(const char* text) {
    Serial.print('"');
    for (; *text != 0; ++text) {
        if (*text == '"' || *text == '\\') Serial.print('\\');
        if (static_cast<unsigned char>(*text) >= ' ') Serial.print(*text);
    }
    Serial.print('"');
}

inline void print_unsigned64(uint64_t value) {
    if (value >= 1000000000u) {
        print_unsigned64(value / 1000000000u);
        uint32_t rest = static_cast<uint32_t>(value % 1000000000u);
        for (uint32_t unit = 100000000u; unit > 0; unit /= 10) Serial.print(static_cast<char>('0' + rest / unit % 10));
    } else {
        Serial.print(static_cast<unsigned long>(value));
    }
}

inline void print_text(const ei_impulse_result_t& result) {
    Serial.print(F("Predictions (DSP: "));
    Serial.print(static_cast<int>(result.timing.dsp));
    Serial.print(F(" ms., Classification: "));
    Serial.print(static_cast<int>(result.timing.classification));
    Serial.print(F(" ms., Anomaly: "));
    Serial.print(static_cast<int>(result.timing.anomaly));
    Serial.println(F(" ms.): "));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        Serial.print(F("    "));
        Serial.print(result.classification[i].label);
        Serial.print(F(": "));
        Serial.println(result.classification[i].value, 5);
    }
}

inline float level_dbfs(const Level& level) {
    const float rms = static_cast<float>(level.rms_q8 > 0 ? level.rms_q8 : 1) / 256.0f;
    return 20.0f * log10f(rms / 32768.0f);
}

inline void print_scores(const ei_impulse_result_t& result) {
    Serial.print(F(",\"scores\":{"));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        if (i > 0) Serial.print(',');
        print_json_text(result.classification[i].label);
        Serial.print(':');
        Serial.print(result.classification[i].value, 5);
    }
    Serial.print('}');
    if (!kQuantised) return;
    Serial.print(F(",\"q\":["));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        if (i > 0) Serial.print(',');
        Serial.print(static_cast<int>(quantised_output(result, i)));
    }
    Serial.print(']');
}

inline void print_json(const Answer& answer, const ei_impulse_result_t& result) {
    Serial.print(F("{\"eitk\":1,\"seq\":"));
    Serial.print(static_cast<unsigned long>(answer.seq));
    Serial.print(F(",\"end\":"));
    print_unsigned64(answer.end);
    Serial.print(F(",\"ms\":"));
    Serial.print(static_cast<unsigned long>(millis()));
    Serial.print(F(",\"model\":"));
    print_json_text(model_name());
    Serial.print(F(",\"level_dbfs\":"));
    Serial.print(level_dbfs(window.level()), 2);
    print_scores(result);
    Serial.print(F(",\"winner\":"));
    print_json_text(answer.winner < 0 ? "undecided" : result.classification[answer.winner].label);
    Serial.print(F(",\"led\":"));
    print_json_text(colour_name(answer.colour));
    Serial.print(F(",\"dsp_us\":"));
    Serial.print(static_cast<long>(result.timing.dsp_us));
    Serial.print(F(",\"nn_us\":"));
    Serial.print(static_cast<long>(result.timing.classification_us));
    Serial.print(F(",\"overruns\":"));
    Serial.print(static_cast<unsigned long>(answer.overruns));
    Serial.println('}');
}

inline void print_settings() {
    Serial.println(F("Edge Impulse Inferencing Demo"));
    Serial.println(F("Inferencing settings:"));
    Serial.print(F("\tInterval: "));
    Serial.print(static_cast<float>(EI_CLASSIFIER_INTERVAL_MS), 2);
    Serial.println(F(" ms."));
    Serial.print(F("\tFrame size: "));
    Serial.println(static_cast<int>(EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE));
    Serial.print(F("\tSample length: "));
    Serial.print(static_cast<int>(EI_CLASSIFIER_RAW_SAMPLE_COUNT / (Microphone::kRate / 1000)));
    Serial.println(F(" ms."));
    Serial.print(F("\tNo. of classes: "));
    Serial.println(static_cast<int>(EI_CLASSIFIER_LABEL_COUNT));
}

inline void print_info(float threshold, bool running) {
    Serial.print(F("{\"eitk\":1,\"info\":{\"sketch\":"));
    print_json_text(config::kVersion);
    Serial.print(F(",\"board\":"));
    print_json_text(config::kBoard);
    Serial.print(F(",\"model\":"));
    print_json_text(model_name());
    Serial.print(F(",\"model_sha256\":"));
    print_json_text(model_sha256());
    Serial.print(F(",\"labels\":["));
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        if (i > 0) Serial.print(',');
        print_json_text(ei_classifier_inferencing_categories[i]);
    }
    Serial.print(F("],\"window\":"));
    Serial.print(static_cast<unsigned long>(Window::kSamples));
    Serial.print(F(",\"hop\":"));
    Serial.print(static_cast<unsigned long>(config::kHopSamples));
    Serial.print(F(",\"threshold\":"));
    Serial.print(threshold, 3);
    Serial.print(F(",\"smoothing\":"));
    Serial.print(config::kSmoothing);
    Serial.print(F(",\"state\":"));
    print_json_text(running ? "running" : "stopped");
    Serial.println(F("}}"));
}

inline void print_state(const char* state) {
    Serial.print(F("{\"eitk\":1,\"state\":"));
    print_json_text(state);
    Serial.println('}');
}

inline void print_self_test(const SelfTest& test) {
    Serial.print(F("{\"eitk\":1,\"selftest\":{\"ok\":"));
    Serial.print(test.ok ? F("true") : F("false"));
    Serial.print(F(",\"samples_crc\":"));
    Serial.print(static_cast<unsigned long>(test.samples_crc));
    Serial.print(F(",\"scores_crc\":"));
    Serial.print(static_cast<unsigned long>(test.scores_crc));
    Serial.println(F("}}"));
}
