// The window that the classifier reads: consecutive samples of a source, levelled as they are read and never copied.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "level.h"

template <uint32_t Length, LevelMode Mode>
class Window {
public:
    static constexpr uint32_t kLength = Length;

    explicit constexpr Window(const LevelLimits& limits) : limits_(limits) {}

    // Makes the `Length` samples source.sample(start), source.sample(start + 1), ... the window and measures their
    // level. The source must outlive the window's use.
    template <typename Source>
    void open(const Source& source, uint32_t start) {
        source_ = &source;
        read_ = [](const void* context, uint32_t index) { return static_cast<const Source*>(context)->sample(index); };
        start_ = start;
        level_ = measure_level([&](uint32_t i) { return source.sample(start + i); }, Length, limits_);
    }

    // The i-th sample, levelled.
    int16_t sample(uint32_t i) const { return apply_level(read_(source_, start_ + i), level_, Mode); }

    // Copies samples as float values, as the get_data function of Edge Impulse's signal_t does. Returns 0.
    int read(size_t offset, size_t length, float* out) const {
        for (size_t i = 0; i < length; ++i) out[i] = static_cast<float>(sample(static_cast<uint32_t>(offset + i)));
        return 0;
    }

    const Level& level() const { return level_; }

private:
    LevelLimits limits_;
    Level level_ = {};
    const void* source_ = nullptr;
    int16_t (*read_)(const void* context, uint32_t index) = nullptr;
    uint32_t start_ = 0;
};
