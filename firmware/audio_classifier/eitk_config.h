// The settings of the sketch. `eitk flash` writes this file from eitk.toml into its own copy of the sketch. These are
// the settings of the published project, so that the sketch can also be compiled in the Arduino IDE.
#pragma once

#include <Music_Genre_Classifier_inferencing.h>

#include "led.h"
#include "level.h"

namespace config {
constexpr char kVersion[] = "ide";
constexpr char kFirmware[] = "";
constexpr char kBoard[] = "nano33ble";
constexpr float kThreshold = 0.6f;
constexpr float kHysteresis = 0.05f;
constexpr int kSmoothing = 1;
constexpr int kHoldWindows = 0;
constexpr uint32_t kHopSamples = 8000;
constexpr uint32_t kSlackSamples = 8192;
constexpr int kWarmupBuffers = 16;
constexpr LevelMode kLevelMode = LevelMode::kNone;
constexpr int64_t kLevelTarget = 0;
constexpr int64_t kLevelMaxGainQ16 = 0;
constexpr LabelColour kColours[] = {{"rock", {"red", 255, 0, 0}}, {"classical", {"green", 0, 255, 0}}};
}  // namespace config
