// Included in front of model.cpp: notes when each step of the model begins.
#pragma once

extern "C" void eitk_on_layer(int layer);
#define EITK_ON_LAYER(layer) eitk_on_layer(layer)
