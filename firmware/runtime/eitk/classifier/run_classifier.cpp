#include "eitk/classifier/run_classifier.h"

#include "eitk/classifier/impulse.h"
#include "eitk/classifier/inference.h"

ei_impulse_handle_t ei_default_impulse = {EI_CLASSIFIER_IMPULSE_ID};

EI_IMPULSE_ERROR run_classifier(ei::signal_t* signal, ei_impulse_result_t* result, bool debug) {
    eitk::clear(result);
    if (signal->total_length != EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE) return EI_IMPULSE_ERROR_SHAPES_DONT_MATCH;
    if (eitk::model::input() == nullptr) return EI_IMPULSE_TFLITE_ARENA_ALLOC_FAILED;  // of an interpreter
    const uint64_t started_us = ei_read_timer_us();
    for (size_t i = 0; i < eitk::impulse::kBlockCount; ++i) {
        const eitk::impulse::ImpulseBlock& block = eitk::impulse::kBlocks[i];
        eitk::dsp::FeatureWriter out = eitk::writer_at(eitk::model::input() + block.offset);
        const int error = block.block->window(eitk::source_of(*signal), eitk::impulse::kWorkspace, out);
        if (error != 0) return EI_IMPULSE_DSP_ERROR;
        if (ei_run_impulse_check_canceled() == EI_IMPULSE_CANCELED) return EI_IMPULSE_CANCELED;
    }
    eitk::set_dsp_time(result, started_us);
    return eitk::infer(result, debug);
}

EI_IMPULSE_ERROR run_classifier(ei_impulse_handle_t*, ei::signal_t* signal, ei_impulse_result_t* result, bool debug) {
    return run_classifier(signal, result, debug);
}
