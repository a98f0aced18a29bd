// Power spectrum of real samples: a real FFT by way of a complex one of half the length.
//
// Decimation in time: samples are taken in bit-reversed order, then two radix-2 levels at a time (a radix-4 butterfly
// with its middle outputs in bit-reversed order), then the split of the half-length spectrum. The same code runs in
// float, where the Cortex-M4F is fast, and in Twofold, where a result has to be settled (features.h).
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

// Calls butterfly(to, from) for every `group` places in `count`, `from` being the place whose bits are those of `to`
// reversed. The reversed counter is stepped by flipping its top bits, as many as the counter flips below.
template <typename Butterfly>
void in_reversed_order(size_t count, size_t group, Butterfly butterfly) {
    const size_t groups = count / group;
    size_t reversed = 0;
    for (size_t i = 0; i < groups; ++i) {
        butterfly(i * group, reversed);
        reversed ^= groups - (groups >> (__builtin_ctz(static_cast<unsigned>(i + 1)) + 1));
    }
}

// The first stage: takes pairs of samples as complex numbers, bit-reversed, and needs no twiddles. Returns the length
// of the spectra that it leaves: 4, or 2 where the count is an odd power of two, or 1 where it is 1.
template <typename Real>
size_t first_stage(const float* samples, Complex<Real>* z, size_t count) {
    const auto sample = [samples](size_t i) -> Complex<Real> {
        return {Real(samples[2 * i]), Real(samples[2 * i + 1])};
    };
    if (count == 1) {
        z[0] = sample(0);
        return 1;
    }
    if (__builtin_ctz(static_cast<unsigned>(count)) % 2 != 0) {
        in_reversed_order(count, 2, [=](size_t to, size_t from) {
            const Complex<Real> a = sample(from), b = sample(from + count / 2);
            z[to] = {a.re + b.re, a.im + b.im};
            z[to + 1] = {a.re - b.re, a.im - b.im};
        });
        return 2;
    }
    in_reversed_order(count, 4, [=](size_t to, size_t from) {
        const size_t quarter = count / 4;
        const Complex<Real> a = sample(from), b = sample(from + 2 * quarter);
        combine(z + to, 1, a, b, sample(from + quarter), sample(from + 3 * quarter));
    });
    return 4;
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
    power[0] = Real(4.0f) * sum * sum;
    for (size_t k = 1; k < count; ++k) power[k] = z[k].re;
    power[count] = Real(4.0f) * difference * difference;
}

}  // namespace fft_detail

// 4 |X_k|^2 for k = 0 .. n / 2 of n samples, a power of two and at least 2. `power` has room for n values.
template <typename Real>
void power_spectrum(const float* samples, Real* power, size_t n, const Twiddles<Real>& twiddles) {
    Complex<Real>* z = reinterpret_cast<Complex<Real>*>(power);
    const size_t count = n / 2;
    for (size_t m = fft_detail::first_stage(samples, z, count); m < count; m *= 4)
        fft_detail::radix4_stage(z, count, m, twiddles);
    fft_detail::split_power(z, count, twiddles);
}

}  // namespace dsp
}  // namespace eitk

#endif
