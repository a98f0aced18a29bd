// Energies of mel bands: triangular filters of height 1 over the bins of a power spectrum.
#ifndef EITK_DSP_MEL_H
#define EITK_DSP_MEL_H

#include <stddef.h>
#include <stdint.h>

namespace eitk {
namespace dsp {

// The corners of the triangles as FFT bins, computed by the generator in float64: float32 could round a corner to
// another bin, which would change the whole band.
struct MelBank {
    const uint16_t* edges;  // bands + 2 bins
    size_t bands;

    // Energy of band i. The left and the right corner have weight 0, the middle corner has weight 1.
    template <typename Real>
    Real energy(const Real* power, size_t i) const {
        const size_t left = edges[i], middle = edges[i + 1], right = edges[i + 2];
        Real rising(0.0f), falling(0.0f);
        float weight = 0.0f;
        for (size_t k = left + 1; k < middle; ++k) rising += Real(weight += 1.0f) * power[k];
        weight = 0.0f;
        for (size_t k = right - 1; k > middle && k < right; --k) falling += Real(weight += 1.0f) * power[k];
        Real sum = left < right ? power[middle] : Real(0.0f);
        if (middle > left) sum += rising / static_cast<float>(middle - left);
        if (right > middle) sum += falling / static_cast<float>(right - middle);
        return sum;
    }

    // An upper bound on the sum of the weights of band i.
    float weight(size_t i) const { return static_cast<float>(edges[i + 2] - edges[i]) * 0.5f + 0.5f; }
};

}  // namespace dsp
}  // namespace eitk

#endif
