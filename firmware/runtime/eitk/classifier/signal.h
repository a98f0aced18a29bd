// How a sketch passes its samples to the classifier.
#ifndef EITK_CLASSIFIER_SIGNAL_H
#define EITK_CLASSIFIER_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#include "eitk/classifier/callable.h"

namespace ei {

// `get_data` writes the samples [offset, offset + length) to `out`, as raw values, and returns 0. It is called once or
// twice for each frame, so that the whole window never exists as float values.
struct signal_t {  // NOLINT(readability-identifier-naming): Edge Impulse's name
    eitk::Callable<int(size_t offset, size_t length, float* out)> get_data;
    size_t total_length = 0;
};

namespace numpy {

// Raw values, not scaled: 32767 becomes 32767.0.
inline int int16_to_float(const int16_t* input, float* output, size_t length) {
    for (size_t i = 0; i < length; ++i) output[i] = static_cast<float>(input[i]);
    return 0;
}

inline int int8_to_float(const int8_t* input, float* output, size_t length) {
    for (size_t i = 0; i < length; ++i) output[i] = static_cast<float>(input[i]);
    return 0;
}

// A signal of samples in memory, which must outlive the signal.
inline int signal_from_buffer(const float* data, size_t length, signal_t* signal) {
    signal->total_length = length;
    signal->get_data = [data](size_t offset, size_t count, float* out) {
        for (size_t i = 0; i < count; ++i) out[i] = data[offset + i];
        return 0;
    };
    return 0;
}

}  // namespace numpy
}  // namespace ei

#endif
