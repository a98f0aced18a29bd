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
#else
#define EITK_TEXT_OF(x) #x
#define EITK_TEXT(x) EITK_TEXT_OF(x)
inline const char* model_sha256() { return ""; }
inline const char* model_name() {
    return "ei-" EITK_TEXT(EI_CLASSIFIER_PROJECT_ID) "-" EITK_TEXT(EI_CLASSIFIER_PROJECT_DEPLOY_VERSION);
}
#endif

// Edge Impulse's numbers for TensorFlow Lite's types: 9 is int8. A library that does not say has an int8 model.
#if defined(EI_CLASSIFIER_TFLITE_OUTPUT_DATATYPE) && EI_CLASSIFIER_TFLITE_OUTPUT_DATATYPE != 9
constexpr bool kQuantised = false;
#else
constexpr bool kQuantised = true;
#endif

// The int8 output behind a score; published libraries give the score only, with scale 1/256 and zero point -128.
inline int8_t quantised_output(const ei_impulse_result_t& result, int label) {
#ifdef EITK_LIBRARY
    if (kQuantised) return eitk_classifier_output_int8()[label];
#endif
    const int q = static_cast<int>(result.classification[label].value * 256.0f + 0.5f) - 128;
    return static_cast<int8_t>(q > 127 ? 127 : q);
}
