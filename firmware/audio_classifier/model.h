// Name, hash and output type of the model, for libraries that eitk generated and for those of Edge Impulse.
#pragma once

#include "eitk_config.h"

#ifdef EITK_LIBRARY
// `eitk flash IMAGE.bin` searches an image for this text, to determine which model it contains.
static const char kModelMark[] = "eitk-model:" EITK_MODEL_SHA256;
inline const char* model_sha256() { return kModelMark + sizeof("eitk-model:") - 1; }

// The first twelve digits of the SHA-256 are the model's name.
inline const char* model_name() { return model_sha256(); }
constexpr size_t kModelNameLength = 12;
#else
#define EITK_TEXT_OF(x) #x
#define EITK_TEXT(x) EITK_TEXT_OF(x)
#define EITK_MODEL_NAME "ei-" EITK_TEXT(EI_CLASSIFIER_PROJECT_ID) "-" EITK_TEXT(EI_CLASSIFIER_PROJECT_DEPLOY_VERSION)
inline const char* model_sha256() { return ""; }
inline const char* model_name() { return EITK_MODEL_NAME; }
constexpr size_t kModelNameLength = sizeof(EITK_MODEL_NAME) - 1;
#endif

// 9 is Edge Impulse's number for int8. A library without the macro has an int8 model.
#if defined(EI_CLASSIFIER_TFLITE_OUTPUT_DATATYPE) && EI_CLASSIFIER_TFLITE_OUTPUT_DATATYPE != 9
constexpr bool kQuantised = false;
#else
constexpr bool kQuantised = true;
#endif

// The int8 output behind a score. Libraries of Edge Impulse return the score only: scale 1/256, zero point -128.
inline int8_t quantised_output(const ei_impulse_result_t& result, int label) {
#ifdef EITK_LIBRARY
    if (kQuantised) return eitk_classifier_output_int8()[label];
#endif
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): the value is from 0 to 1, so that the sum is exact enough
    const int q = static_cast<int>(result.classification[label].value * 256.0f + 0.5f) - 128;
    return static_cast<int8_t>(q > 127 ? 127 : q);
}
