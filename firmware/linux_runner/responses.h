// The responses to requests: one JSON object each.
#pragma once

#include <stdint.h>

#include <string>

#include "eitk/classifier/run_classifier.h"

// `id` is null if it is not known.
std::string failure(const int64_t* id, const std::string& error);

// Describes project and model. `memory_error` is the reason why there is no shared memory, or null.
std::string model_description(int64_t id, const char* memory_error);

std::string classification(int64_t id, const ei_impulse_result_t& result);
