// Power spectrum of real samples: a real FFT by way of a complex one of half the length.
//
// Decimation in time, in place: bit reversal, then two radix-2 levels at a time (a radix-4 butterfly with its middle
// outputs in bit-reversed order), then the split of the half-length spectrum. The same code runs in float, where the
// Cortex-M4F is fast, and in double, where a result has to be settled (see features.h).
#ifndef EITK_DSP_FFT_H
#define EITK_DSP_FFT_H

#include <stddef.h>
#include <stdint.h>

namespace eitk {
namespace dsp {

template <typename Real>
struct Complex {
    Real re, im;
};

// exp(-2 pi i k / n) from a quarter of a cosine, emitted by the generator in float64.
template <typename Real>
struct Twiddles {
    const Real* quarter;  // cos(2 pi k / n) for k = 0 .. n / 4
    size_t n;             // a power of two, at least 4 and at least the longest FFT that uses the table

    // For 0 <= k <= 3 n / 4.
    Complex<Real> at(size_t k) const {
        const size_t q = n / 4;
        if (k <= q) return {quarter[k], -quarter[q - k]};
        if (k <= 2 * q) return {-quarter[2 * q - k], -quarter[k - q]};
        return {-quarter[k - 2 * q], quarter[3 * q - k]};
    }
};

namespace fft_detail {

template <typename Real>
inline Complex<Real> times(Complex<Real> a, Complex<Real> w) {
    return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

// Combines four spectra, `m` apart, whose twiddles have been applied.
template <typename Real>
inline void combine(Complex<Real>* z, size_t m, Complex<Real> a, Complex<Real> b, Complex<Real> c, Complex<Real> d) {
    const Complex<Real> p = {a.re + b.re, a.im + b.im}, q = {a.re - b.re, a.im - b.im};
    const Complex<Real> r = {c.re + d.re, c.im + d.im}, s = {c.re - d.re, c.im - d.im};
    z[0] = {p.re + r.re, p.im + r.im};
    z[m] = {q.re + s.im, q.im - s.re};
    z[2 * m] = {p.re - r.re, p.im - r.im};
    z[3 * m] = {q.re - s.im, q.im + s.re};
}

// Two levels at once: spectra of length m become spectra of length 4 m. Twiddles stay in registers for all blocks.
template <typename Real>
void radix4_stage(Complex<Real>* z, size_t count, size_t m, const Twiddles<Real>& twiddles) {
    const size_t span = 4 * m, step = twiddles.n / span;
    for (Complex<Real>* at = z; at < z + count; at += span) combine(at, m, at[0], at[m], at[2 * m], at[3 * m]);
    for (size_t j = 1; j < m; ++j) {
        const Complex<Real> w1 = twiddles.at(j * step), w2 = twiddles.at(2 * j * step), w3 = twiddles.at(3 * j * step);
        for (Complex<Real>* at = z + j; at < z + count; at += span)
            combine(at, m, at[0], times(at[m], w2), times(at[2 * m], w1), times(at[3 * m], w3));
    }
}

template <typename Real>
void radix2_stage(Complex<Real>* z, size_t count) {
    for (size_t i = 0; i < count; i += 2) {
        const Complex<Real> a = z[i], b = z[i + 1];
        z[i] = {a.re + b.re, a.im + b.im};
        z[i + 1] = {a.re - b.re, a.im - b.im};
    }
}

// Bit-reversed order. The reversed counter is stepped by flipping its top bits, as many as the counter flips below.
template <typename Real>
void bit_reverse(Complex<Real>* z, size_t count) {
    size_t reversed = 0;
    for (size_t i = 1; i < count; ++i) {
        reversed ^= count - (count >> (__builtin_ctz(static_cast<unsigned>(i)) + 1));
        if (i < reversed) {
            const Complex<Real> kept = z[i];
            z[i] = z[reversed];
            z[reversed] = kept;
        }
    }
}

// From the half-length spectrum z to 4 |X|^2 of bins 0 .. count, in place as a plain array.
template <typename Real>
void split_power(Complex<Real>* z, size_t count, const Twiddles<Real>& twiddles) {
    const Real sum = z[0].re + z[0].im, difference = z[0].re - z[0].im;
    const size_t step = twiddles.n / (2 * count);
    for (size_t k = 1; 2 * k <= count; ++k) {
        const Complex<Real> a = z[k], b = z[count - k], w = twiddles.at(k * step);
        const Complex<Real> even = {a.re + b.re, a.im - b.im};
        const Complex<Real> odd = times<Real>({a.im + b.im, b.re - a.re}, w);
        const Complex<Real> low = {even.re + odd.re, even.im + odd.im}, high = {even.re - odd.re, even.im - odd.im};
        z[k].re = low.re * low.re + low.im * low.im;
        z[count - k].re = high.re * high.re + high.im * high.im;
    }
    Real* power = &z[0].re;
    power[0] = 4 * sum * sum;
    for (size_t k = 1; k < count; ++k) power[k] = z[k].re;
    power[count] = 4 * difference * difference;
}

}  // namespace fft_detail

// Replaces n real samples (n a power of two, at least 2) by 4 |X_k|^2 for k = 0 .. n / 2.
template <typename Real>
void power_spectrum(Real* samples, size_t n, const Twiddles<Real>& twiddles) {
    Complex<Real>* z = reinterpret_cast<Complex<Real>*>(samples);
    const size_t count = n / 2;
    fft_detail::bit_reverse(z, count);
    size_t m = 1;
    if (__builtin_ctz(static_cast<unsigned>(count)) % 2 != 0) {
        fft_detail::radix2_stage(z, count);
        m = 2;
    }
    for (; m < count; m *= 4) fft_detail::radix4_stage(z, count, m, twiddles);
    fft_detail::split_power(z, count, twiddles);
}

}  // namespace dsp
}  // namespace eitk

#endif
