#pragma once

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {

struct MicroOpResolver {};

template <unsigned int kOperators>
struct MicroMutableOpResolver : MicroOpResolver {
    TfLiteStatus AddConv2D();
    TfLiteStatus AddFullyConnected();
    TfLiteStatus AddMaxPool2D();
    TfLiteStatus AddReshape();
    TfLiteStatus AddSoftmax();
};

}  // namespace tflite
