// What the sketch tells about the library's model, the same for eitk's own libraries and for Edge Impulse's.
#pragma once

#include "eitk_config.h"

#ifdef EITK_LIBRARY
// Found again in the image: `eitk flash IMAGE.bin` reads there which model it would put on the board.
static const char kModelMark[] = "eitk-model:" EITK_MODEL_SHA256;
inline const char* model_sha256() { return kModelMark + sizeof("eitk-model:") - 1; }

// The first twelve digits of the model's SHA-256.
inline const char* model_name() {
    static char name[13] = {0};
    for (int i = 0; i < 12; ++i) name[i] = model_sha256()[i];
    return name;
}
inline int8_t quantised_output(const ei_impulse_result_t&, int label) { return eitk_classifier_output_int8()[label]; }
#else
#define EITK_TEXT_OF(x) #x
#define EITK_TEXT(x) EITK_TEXT_OF(x)
inline const char* model_sha256() { return ""; }
inline const char* model_name() {
    return "ei-" EITK_TEXT(EI_CLASSIFIER_PROJECT_ID) "-" EITK_TEXT(EI_CLASSIFIER_PROJECT_DEPLOY_VERSION);
}
// The published int8 output has the scale 1/256 and the zero point -128.
inline int8_t quantised_output(const ei_impulse_result_t& result, int label) {
    return static_cast<int8_t>(static_cast<int>(result.classification[label].value * 256.0f + 0.5f) - 128);
}
#endif
