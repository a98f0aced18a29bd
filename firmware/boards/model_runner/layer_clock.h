// Included before model.cpp when profiling: the model calls eitk_on_layer at the start of each step.
#pragma once

extern "C" void eitk_on_layer(int layer);
#define EITK_ON_LAYER(layer) eitk_on_layer(layer)
