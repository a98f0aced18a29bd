// As much of TFLM's interface as the generated glue calls, with its own signatures, so that the glue can be compiled.
#pragma once

namespace tflite {

struct Model;
const Model* GetModel(const void* bytes);

}  // namespace tflite
