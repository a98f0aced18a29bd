// Power spectrum of real samples, by a complex FFT of half the length.
//
// Decimation in time: samples are read in bit-reversed order, then two radix-2 stages run at a time (a radix-4
// butterfly whose middle outputs are in bit-reversed order), then the half-length spectrum is split. The same code runs
// in float, which is fast on a Cortex-M4F, and in DoubleFloat, where float is not accurate enough (features.h).
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

// exp(-2 pi i k / n) from a table of a quarter of a cosine, which the generator computes in float64.
template <typename Real>
struct Twiddles {
    const Real* quarter;  // cos(2 pi k / n) for k = 0 .. n / 4
    size_t n;             // a power of two, at least 4 and at least the length of every FFT that uses the table

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
inline Complex<Real> multiply(Complex<Real> a, Complex<Real> w) {
    return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

// A radix-4 butterfly. The inputs are already multiplied by their twiddle factors; the outputs are `m` apart.
template <typename Real>
inline void butterfly(Complex<Real>* z, size_t m, Complex<Real> a, Complex<Real> b, Complex<Real> c, Complex<Real> d) {
    const Complex<Real> p = {a.re + b.re, a.im + b.im}, q = {a.re - b.re, a.im - b.im};
    const Complex<Real> r = {c.re + d.re, c.im + d.im}, s = {c.re - d.re, c.im - d.im};
    z[0] = {p.re + r.re, p.im + r.im};
    z[m] = {q.re + s.im, q.im - s.re};
    z[2 * m] = {p.re - r.re, p.im - r.im};
    z[3 * m] = {q.re - s.im, q.im + s.re};
}

// Two radix-2 stages: spectra of length m become spectra of length 4 m. The outer loop is over the twiddle factors, so
// that they stay in registers.
template <typename Real>
void radix4_stage(Complex<Real>* z, size_t count, size_t m, const Twiddles<Real>& twiddles) {
    const size_t span = 4 * m, step = twiddles.n / span;
    for (Complex<Real>* at = z; at < z + count; at += span) butterfly(at, m, at[0], at[m], at[2 * m], at[3 * m]);
    for (size_t j = 1; j < m; ++j) {
        const Complex<Real> w1 = twiddles.at(j * step), w2 = twiddles.at(2 * j * step), w3 = twiddles.at(3 * j * step);
        for (Complex<Real>* at = z + j; at < z + count; at += span) {
            butterfly(at, m, at[0], multiply(at[m], w2), multiply(at[2 * m], w1), multiply(at[3 * m], w3));
        }
    }
}

// Calls visit(index, reversed) for every `group`-th index below `count`, where `reversed` has the bits of
// index / group in reverse order. An increment of the index flips its lowest bits; the reversed counter follows by
// flipping as many of its highest bits.
template <typename Visit>
void in_bit_reversed_order(size_t count, size_t group, Visit visit) {
    const size_t groups = count / group;
    size_t reversed = 0;
    for (size_t i = 0; i < groups; ++i) {
        visit(i * group, reversed);
        reversed ^= groups - (groups >> (__builtin_ctz(static_cast<unsigned>(i + 1)) + 1));
    }
}

// The first stage: reads pairs of samples as complex numbers in bit-reversed order. It needs no twiddle factors.
// Returns the length of the spectra that it computes: 4, or 2 if `count` is an odd power of two, or 1 if it is 1.
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
        in_bit_reversed_order(count, 2, [=](size_t to, size_t from) {
            const Complex<Real> a = sample(from), b = sample(from + count / 2);
            z[to] = {a.re + b.re, a.im + b.im};
            z[to + 1] = {a.re - b.re, a.im - b.im};
        });
        return 2;
    }
    in_bit_reversed_order(count, 4, [=](size_t to, size_t from) {
        const size_t quarter = count / 4;
        const Complex<Real> a = sample(from), b = sample(from + 2 * quarter);
        butterfly(z + to, 1, a, b, sample(from + quarter), sample(from + 3 * quarter));
    });
    return 4;
}

// Computes 4 |X|^2 of bins 0 .. count from the half-length spectrum z. `power` is the memory of z as a plain array.
template <typename Real>
void split_power(Complex<Real>* z, Real* power, size_t count, const Twiddles<Real>& twiddles) {
    const Real sum = z[0].re + z[0].im, difference = z[0].re - z[0].im;
    const size_t step = twiddles.n / (2 * count);
    for (size_t k = 1; 2 * k <= count; ++k) {
        const Complex<Real> a = z[k], b = z[count - k], w = twiddles.at(k * step);
        const Complex<Real> even = {a.re + b.re, a.im - b.im};
        const Complex<Real> odd = multiply<Real>({a.im + b.im, b.re - a.re}, w);
        const Complex<Real> low = {even.re + odd.re, even.im + odd.im}, high = {even.re - odd.re, even.im - odd.im};
        z[k].re = low.re * low.re + low.im * low.im;
        z[count - k].re = high.re * high.re + high.im * high.im;
    }
    power[0] = Real(4.0f) * sum * sum;
    for (size_t k = 1; k < count; ++k) power[k] = z[k].re;
    power[count] = Real(4.0f) * difference * difference;
}

}  // namespace fft_detail

// Computes 4 |X_k|^2 for k = 0 .. n / 2 of n samples, where n is a power of two and at least 2. `power` has room for n
// values.
template <typename Real>
void power_spectrum(const float* samples, Real* power, size_t n, const Twiddles<Real>& twiddles) {
    auto* z = reinterpret_cast<Complex<Real>*>(power);
    const size_t count = n / 2;
    for (size_t m = fft_detail::first_stage(samples, z, count); m < count; m *= 4) {
        fft_detail::radix4_stage(z, count, m, twiddles);
    }
    fft_detail::split_power(z, power, count, twiddles);
}

}  // namespace dsp
}  // namespace eitk

#endif
