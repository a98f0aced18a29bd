// Arduino cores build libraries with -Os; the loops of this file are worth more.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/spectrogram.h"

#include "eitk/dsp/level.h"
#include "eitk/dsp/spectrum.h"

namespace eitk {
namespace dsp {
namespace {

constexpr Emphasis kNone = {1.0f, 0.0f, 0};

template <typename Real>
Real limited(Real level, int version) {
    return level < 0 ? Real(0) : version == 3 && level > 1 ? Real(1) : level;
}

struct Scaling {
    Level level;
    int version;
    float factor;  // of 4 |X|^2, a power of two
};

bool settle(size_t k, float power, float error, const Scaling& scaling, FeatureWriter& out) {
    const Estimate found = power_estimate(power, error, 1.0f);
    const Estimate f = scaling.level.of({found.value * scaling.factor, found.bound * scaling.factor});
    return out.settle(k, limited(f.value, scaling.version), f.bound);
}

bool settle_all(const Spectrum<float>& found, size_t bins, const Scaling& scaling, FeatureWriter& out) {
    bool settled = true;
    for (size_t k = 0; k < bins && settled; ++k) settled = settle(k, found.power[k], found.error, scaling, out);
    return settled;
}

void put_all(const Spectrum<Twofold>& found, size_t bins, const Scaling& scaling, FeatureWriter& out) {
    for (size_t k = 0; k < bins; ++k) {
        if (settle(k, found.power[k].high, 0.0f, scaling, out)) continue;
        const double power = static_cast<double>(found.power[k]) * static_cast<double>(scaling.factor);
        out.put(k, limited(scaling.level.of(power), scaling.version));
    }
}

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
    if (const int error = load(frame, framing().used, fft_, kNone, work)) return error;
    const Spectrum<float> quick = quick_spectrum(fft_, work);
    if (normalises()) {
        for (size_t k = 0; k < bins(); ++k) out.settle(k, quick.power[k], 0.0f);
        return 0;
    }
    const float full_scale = version_ == 3 && work.loud ? 32768.0f * 32768.0f : 1.0f;
    const Scaling scaling = {{noise_floor_db_}, version_, 0.25f / (static_cast<float>(fft_) * full_scale)};
    if (!settle_all(quick, bins(), scaling, out)) put_all(exact_spectrum(fft_, work), bins(), scaling, out);
    return 0;
}

void Spectrogram::normalise(const float* rows, const Workspace&, FeatureWriter& out) const {
    float least;
    const float spread = range(rows, features(), &least);
    for (size_t i = 0; i < features(); ++i)
        out.put(i, spread > 0.0f ? static_cast<double>((rows[i] - least) / spread) : 0.0);
}

}  // namespace dsp
}  // namespace eitk
