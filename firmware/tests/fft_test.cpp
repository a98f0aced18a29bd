#include "eitk/dsp/fft.h"

#include <cmath>
#include <random>
#include <vector>

#include "check.h"
#include "eitk/dsp/double_float.h"
#include "eitk/dsp/spectrum.h"

namespace {

using eitk::dsp::DoubleFloat;

const double kPi = std::acos(-1.0);

DoubleFloat double_float(double value) {
    const auto high = static_cast<float>(value);
    return {high, static_cast<float>(value - static_cast<double>(high))};
}

// Tables for FFTs of up to `n` points, and buffers.
struct Workspace {
    explicit Workspace(size_t n) : samples(n), rows(n), spectrum(n) {
        for (size_t k = 0; k <= n / 4; ++k) {
            const double cosine =
                k == n / 4 ? 0.0 : std::cos(2 * kPi * static_cast<double>(k) / static_cast<double>(n));
            quarter.push_back(static_cast<float>(cosine));
            double_float_quarter.push_back(double_float(cosine));
        }
        work = {samples.data(), spectrum.data(), rows.data(), {quarter.data(), n}, {double_float_quarter.data(), n},
                false};
    }

    std::vector<float> samples, rows, quarter;
    std::vector<DoubleFloat> spectrum, double_float_quarter;
    eitk::dsp::Workspace work = {};
};

// |X_k|^2 by the definition of the discrete Fourier transform.
double power_by_definition(const std::vector<float>& samples, size_t fft, size_t k) {
    double re = 0, im = 0;
    for (size_t i = 0; i < fft; ++i) {
        const double angle = 2 * kPi * static_cast<double>(i * k % fft) / static_cast<double>(fft);
        re += static_cast<double>(samples[i]) * std::cos(angle);
        im -= static_cast<double>(samples[i]) * std::sin(angle);
    }
    return re * re + im * im;
}

void fill_with_noise(std::vector<float>& samples, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> distribution(-20000, 20000);
    for (float& sample : samples) sample = static_cast<float>(distribution(random));
}

}  // namespace

TEST(twiddle_factors_are_roots_of_unity) {
    const Workspace space(64);
    for (size_t k = 0; k <= 48; ++k) {
        const eitk::dsp::Complex<float> w = space.work.twiddles.at(k);
        const double angle = 2 * kPi * static_cast<double>(k) / 64;
        CHECK_NEAR(w.re, std::cos(angle), 1e-7);
        CHECK_NEAR(w.im, -std::sin(angle), 1e-7);
    }
}

TEST(bit_reversed_order_visits_every_index_once) {
    std::vector<int> visits(32);
    eitk::dsp::fft_detail::in_bit_reversed_order(64, 2, [&](size_t index, size_t reversed) {
        ++visits[reversed];
        size_t expected = 0;
        for (int bit = 0; bit < 5; ++bit) expected |= (index / 2 >> bit & 1) << (4 - bit);
        CHECK_EQUAL(reversed, expected);
    });
    CHECK(visits == std::vector<int>(32, 1));
}

TEST(the_spectrum_is_that_of_the_definition) {
    Workspace space(1024);
    for (size_t fft = 2; fft <= 1024; fft *= 2) {
        fill_with_noise(space.samples, static_cast<unsigned>(fft));
        const eitk::dsp::Spectrum<float> in_float = eitk::dsp::float_spectrum(fft, space.work);
        const std::vector<float> power(in_float.power, in_float.power + fft / 2 + 1);
        const float error = in_float.error;
        const eitk::dsp::Spectrum<DoubleFloat> accurate = eitk::dsp::double_float_spectrum(fft, space.work);
        double total = 0;
        for (size_t k = 0; k <= fft / 2; ++k) total += power_by_definition(space.samples, fft, k);
        for (size_t k = 0; k <= fft / 2; ++k) {
            const double magnitude = std::sqrt(4 * power_by_definition(space.samples, fft, k));
            CHECK_NEAR(std::sqrt(power[k]), magnitude, error);
            CHECK_NEAR(std::sqrt(static_cast<double>(accurate.power[k])), magnitude, 1e-11 * std::sqrt(total));
        }
    }
}

TEST(a_tone_on_a_bin_has_one_bin) {
    Workspace space(256);
    for (size_t i = 0; i < 256; ++i) {
        space.samples[i] = static_cast<float>(1000 * std::cos(2 * kPi * 20 * static_cast<double>(i) / 256));
    }
    const eitk::dsp::Spectrum<float> spectrum = eitk::dsp::float_spectrum(256, space.work);
    CHECK_NEAR(spectrum.power[20], 4 * 128000.0 * 128000.0, 1e6);
    for (size_t k = 0; k <= 128; ++k) CHECK(k == 20 || spectrum.power[k] < 1.0f);
}

TEST(constant_samples_have_the_first_bin_only) {
    Workspace space(64);
    for (float& sample : space.samples) sample = -5;
    const eitk::dsp::Spectrum<float> spectrum = eitk::dsp::float_spectrum(64, space.work);
    CHECK_EQUAL(spectrum.power[0], 4.0f * 320 * 320);
    for (size_t k = 1; k <= 32; ++k) CHECK_EQUAL(spectrum.power[k], 0.0f);
}

TEST(a_frame_shorter_than_the_fft_is_padded_with_zeros) {
    Workspace space(64);
    const std::vector<float> window(100, 3.0f);
    const eitk::dsp::SampleSource source = {[](const void* context, size_t offset, size_t length, float* out) {
                                                const auto& samples = *static_cast<const std::vector<float>*>(context);
                                                for (size_t i = 0; i < length; ++i) out[i] = samples[offset + i];
                                                return 0;
                                            },
                                            &window, window.size()};
    CHECK_EQUAL(eitk::dsp::load({&source, 10}, 40, 64, {1.0f, 0.0f, 0}, space.work), 0);
    for (size_t i = 0; i < 64; ++i) CHECK_EQUAL(space.samples[i], i < 40 ? 3.0f : 0.0f);
}
