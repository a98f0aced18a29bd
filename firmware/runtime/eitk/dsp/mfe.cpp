// Arduino cores build libraries with -Os; the loops of this file are worth more.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/mfe.h"

#include "eitk/dsp/level.h"

namespace eitk {
namespace dsp {
namespace {

constexpr float kSteps = 256.0f;
constexpr float kZeroEnergy = 1e-10f;  // what the published block puts in place of an energy of zero

// The published block keeps round(256 level) in eight bits: 256 itself wraps to 0.
float wrapped(float step) { return step >= kSteps ? 0.0f : step / kSteps; }

float limited(float level) { return level < 0.0f ? 0.0f : level > 1.0f ? 1.0f : level; }

// Writes the step next to the level, if the bound leaves only one.
bool settle(size_t i, const Estimate& level, FeatureWriter& out) {
    const float position = kSteps * limited(level.value);
    const float step = static_cast<float>(static_cast<int>(position + 0.5f));
    const float distance = position > step ? position - step : step - position;
    out.put(i, static_cast<double>(wrapped(step)));
    return distance + kSteps * level.bound < 0.5f;
}

}  // namespace

bool Mfe::settle_all(const Spectrum<float>& found, FeatureWriter& out) const {
    const Level level = {noise_floor_db_};
    const float scale = static_cast<float>(power_scale_);
    bool settled = true;
    for (size_t i = 0; i < bank_.bands && settled; ++i) {
        const float weight = bank_.weight(i);
        Estimate energy = power_estimate(bank_.energy(found.power, i), found.error, weight);
        energy = {energy.value * scale, energy.bound * scale};
        if (energy.value + energy.bound == 0.0f) energy.value = kZeroEnergy;
        settled = settle(i, level.of(energy), out);
    }
    return settled;
}

void Mfe::put_all(const Spectrum<Twofold>& found, FeatureWriter& out) const {
    const Level level = {noise_floor_db_};
    for (size_t i = 0; i < bank_.bands; ++i) {
        const double energy = static_cast<double>(bank_.energy(found.power, i));
        const double power = energy == 0.0 ? 1e-10 : energy * power_scale_;
        if (settle(i, level.of(power_estimate(static_cast<float>(power), 0.0f, 0.0f)), out)) continue;
        const double exact = level.of(power);
        const double position = exact < 0.0 ? 0.0 : exact > 1.0 ? 256.0 : 256.0 * exact;
        out.put(i, static_cast<double>(wrapped(static_cast<float>(nearbyint(position)))));
    }
}

int Mfe::row(const Frame& frame, const Workspace& work, FeatureWriter& out) const {
    if (const int error = load(frame, framing().used, fft_, emphasis_, work)) return error;
    if (!settle_all(quick_spectrum(fft_, work), out)) put_all(exact_spectrum(fft_, work), out);
    return 0;
}

}  // namespace dsp
}  // namespace eitk
