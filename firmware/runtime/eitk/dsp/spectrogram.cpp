// Arduino cores compile libraries with -Os. The loops of this file dominate the run time, so it is compiled with -O2.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/spectrogram.h"

#include "eitk/dsp/level.h"
#include "eitk/dsp/spectrum.h"

namespace eitk {
namespace dsp {
namespace {

constexpr Emphasis kNoEmphasis = {1.0f, 0.0f, 0};

// Version 3 limits levels to 0 .. 1, version 4 has no upper limit.
template <typename Real>
Real limit(Real level, int version) {
    return level < 0 ? Real(0) : version == 3 && level > 1 ? Real(1) : level;
}

struct Scaling {
    LevelScale scale;
    int version;
    float factor;  // from 4 |X|^2 to power; a power of two
};

bool try_quantize(size_t k, float power, float error, const Scaling& scaling, FeatureWriter& out) {
    const Estimate bin = power_estimate(power, error, 1.0f);
    const Estimate level = scaling.scale.level({bin.value * scaling.factor, bin.bound * scaling.factor});
    return out.try_quantize(k, limit(level.value, scaling.version), level.bound);
}

bool try_quantize_all(const Spectrum<float>& spectrum, size_t bins, const Scaling& scaling, FeatureWriter& out) {
    for (size_t k = 0; k < bins; ++k) {
        if (!try_quantize(k, spectrum.power[k], spectrum.error, scaling, out)) return false;
    }
    return true;
}

void write_all(const Spectrum<DoubleFloat>& spectrum, size_t bins, const Scaling& scaling, FeatureWriter& out) {
    for (size_t k = 0; k < bins; ++k) {
        if (try_quantize(k, spectrum.power[k].high, 0.0f, scaling, out)) continue;
        const double power = static_cast<double>(spectrum.power[k]) * static_cast<double>(scaling.factor);
        out.write(k, limit(scaling.scale.level(power), scaling.version));
    }
}

// The difference of the greatest and the least of `count` values.
float range(const float* values, size_t count, float* least) {
    float greatest = values[0];
    *least = values[0];
    for (size_t i = 1; i < count; ++i) {
        if (values[i] < *least) *least = values[i];
        if (values[i] > greatest) greatest = values[i];
    }
    return greatest - *least;
}

}  // namespace

int Spectrogram::row(const Frame& frame, const Workspace& work, FeatureWriter& out) const {
    if (const int error = load(frame, framing().used, fft_, kNoEmphasis, work)) return error;
    const Spectrum<float> spectrum = float_spectrum(fft_, work);
    if (normalises()) {
        for (size_t k = 0; k < bins(); ++k) out.try_quantize(k, spectrum.power[k], 0.0f);
        return 0;
    }
    const float squared_full_scale = version_ == 3 && work.full_scale ? 32768.0f * 32768.0f : 1.0f;
    const Scaling scaling = {{noise_floor_db_}, version_, 0.25f / (static_cast<float>(fft_) * squared_full_scale)};
    if (!try_quantize_all(spectrum, bins(), scaling, out)) {
        write_all(double_float_spectrum(fft_, work), bins(), scaling, out);
    }
    return 0;
}

void Spectrogram::normalise(const float* rows, const Workspace&, FeatureWriter& out) const {
    float least = 0.0f;
    const float spread = range(rows, features(), &least);
    for (size_t i = 0; i < features(); ++i) {
        out.write(i, spread > 0.0f ? static_cast<double>((rows[i] - least) / spread) : 0.0);
    }
}

}  // namespace dsp
}  // namespace eitk
