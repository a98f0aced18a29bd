// Arduino cores compile libraries with -Os. The loops of this file dominate the run time, so it is compiled with -O2.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "eitk/dsp/mfe.h"

#include "eitk/dsp/level.h"

namespace eitk {
namespace dsp {
namespace {

constexpr float kSteps = 256.0f;
constexpr float kZeroEnergy = 1e-10f;  // the block replaces an energy of zero by this

// The block stores round(256 level) in eight bits, so that 256 becomes 0.
float wrap(float step) { return step >= kSteps ? 0.0f : step / kSteps; }

float limit(float level) { return level < 0.0f ? 0.0f : level > 1.0f ? 1.0f : level; }

// Writes the step nearest to the level. True if all levels within the bound have the same nearest step.
bool try_quantize(size_t i, const Estimate& level, FeatureWriter& out) {
    const float position = kSteps * limit(level.value);
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): `position` is at most 256, so that the sum is exact enough
    const auto step = static_cast<float>(static_cast<int>(position + 0.5f));
    const float distance = position > step ? position - step : step - position;
    out.write(i, static_cast<double>(wrap(step)));
    return distance + kSteps * level.bound < 0.5f;
}

}  // namespace

bool Mfe::try_quantize_all(const Spectrum<float>& spectrum, FeatureWriter& out) const {
    const LevelScale level_scale = {noise_floor_db_};
    const auto scale = static_cast<float>(power_scale_);
    for (size_t i = 0; i < bank_.bands; ++i) {
        const Estimate sum = power_estimate(bank_.energy(spectrum.power, i), spectrum.error, bank_.weight(i));
        Estimate energy = {sum.value * scale, sum.bound * scale};
        if (energy.value + energy.bound == 0.0f) energy.value = kZeroEnergy;
        if (!try_quantize(i, level_scale.level(energy), out)) return false;
    }
    return true;
}

void Mfe::write_all(const Spectrum<DoubleFloat>& spectrum, FeatureWriter& out) const {
    const LevelScale level_scale = {noise_floor_db_};
    for (size_t i = 0; i < bank_.bands; ++i) {
        const auto energy = static_cast<double>(bank_.energy(spectrum.power, i));
        const double power = energy == 0.0 ? 1e-10 : energy * power_scale_;
        const Estimate estimate = power_estimate(static_cast<float>(power), 0.0f, 0.0f);
        if (try_quantize(i, level_scale.level(estimate), out)) continue;
        const double level = level_scale.level(power);
        const double position = level < 0.0 ? 0.0 : level > 1.0 ? 256.0 : 256.0 * level;
        out.write(i, static_cast<double>(wrap(static_cast<float>(nearbyint(position)))));
    }
}

int Mfe::row(const Frame& frame, const Workspace& work, FeatureWriter& out) const {
    if (const int error = load(frame, framing().used, fft_, emphasis_, work)) return error;
    if (!try_quantize_all(float_spectrum(fft_, work), out)) write_all(double_float_spectrum(fft_, work), out);
    return 0;
}

}  // namespace dsp
}  // namespace eitk
