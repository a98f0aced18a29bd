// RESIZE_BILINEAR on int8, int16, uint8 and float.
#pragma once

#include <math.h>
#include <stdint.h>

namespace eitk {
namespace kernels {

// The inputs on both sides of an output, and how far it is from the first, in units of kOne.
struct Between {
    int low, high;
    int32_t part;
};

constexpr int32_t kOne = 1 << 10;

template <bool kHalf>
inline Between between(int at, int32_t scale, int count) {
    const int32_t position = kHalf ? at * scale + scale / 2 - kOne / 2 : at * scale;
    const int32_t low = position / kOne > 0 ? position / kOne : 0;
    const int32_t high = (position + kOne - 1) / kOne < count - 1 ? (position + kOne - 1) / kOne : count - 1;
    return {static_cast<int>(low), static_cast<int>(high), position - kOne * low};
}

// S: kInRows, kInCols, kChannels, kOutRows, kOutCols; kRowScale and kColScale, inputs an output in units of 1 / 1024;
// kHalf, whether pixels are at the middle of their area. Halves are rounded away from zero.
template <class S, class T>
inline void resize_bilinear(const T* in, T* out) {
    for (int r = 0; r < S::kOutRows; ++r) {
        const Between y = between<S::kHalf>(r, S::kRowScale, S::kInRows);
        for (int c = 0; c < S::kOutCols; ++c) {
            const Between x = between<S::kHalf>(c, S::kColScale, S::kInCols);
            for (int i = 0; i < S::kChannels; ++i) {
                const auto at = [&](int row, int col) {
                    return static_cast<int64_t>(in[(row * S::kInCols + col) * S::kChannels + i]);
                };
                const int64_t low = at(y.low, x.low) * (kOne - x.part) + at(y.low, x.high) * x.part;
                const int64_t high = at(y.high, x.low) * (kOne - x.part) + at(y.high, x.high) * x.part;
                const int64_t sum = low * (kOne - y.part) + high * y.part;
                *out++ = static_cast<T>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
            }
        }
    }
}

// The product of two numbers, rounded to float: compilers join products with sums to one operation that does not round.
inline float rounded_product(float a, float b) {
    const volatile float product = a * b;
    return product;
}

struct BetweenFloat {
    int low, high;
    float part;
};

template <bool kHalf>
inline BetweenFloat between_float(int at, float scale, int count) {
    const float place = static_cast<float>(at);
    const float position = kHalf ? rounded_product(place + 0.5f, scale) - 0.5f : rounded_product(place, scale);
    const int first = static_cast<int>(floorf(position)), last = static_cast<int>(ceilf(position));
    const int low = first > 0 ? first : 0;
    return {low, last < count - 1 ? last : count - 1, position - static_cast<float>(low)};
}

// The same on uint8, of which the data are lower by 128; halves are rounded up. S: row_scale() and col_scale().
template <class S>
inline void resize_bilinear_unsigned(const int8_t* in, int8_t* out) {
    for (int r = 0; r < S::kOutRows; ++r) {
        const BetweenFloat y = between_float<S::kHalf>(r, S::row_scale(), S::kInRows);
        for (int c = 0; c < S::kOutCols; ++c) {
            const BetweenFloat x = between_float<S::kHalf>(c, S::col_scale(), S::kInCols);
            for (int i = 0; i < S::kChannels; ++i) {
                const auto at = [&](int row, int col, float height, float width) {
                    const int value = in[(row * S::kInCols + col) * S::kChannels + i] + 128;
                    return rounded_product(rounded_product(static_cast<float>(value), height), width);
                };
                const float sum = at(y.low, x.low, 1 - y.part, 1 - x.part) + at(y.high, x.low, y.part, 1 - x.part) +
                                  at(y.low, x.high, 1 - y.part, x.part) + at(y.high, x.high, y.part, x.part);
                const float above = sum + 0.5f;  // never negative: the conversion cuts it off
                *out++ = static_cast<int8_t>(static_cast<int>(above) - 128);
            }
        }
    }
}

// The same on float. S: row_scale() and col_scale().
template <class S>
inline void resize_bilinear_float(const float* in, float* out) {
    for (int r = 0; r < S::kOutRows; ++r) {
        const BetweenFloat y = between_float<S::kHalf>(r, S::row_scale(), S::kInRows);
        for (int c = 0; c < S::kOutCols; ++c) {
            const BetweenFloat x = between_float<S::kHalf>(c, S::col_scale(), S::kInCols);
            for (int i = 0; i < S::kChannels; ++i) {
                const auto at = [&](int row, int col) { return in[(row * S::kInCols + col) * S::kChannels + i]; };
                *out++ = at(y.low, x.low) * (1 - y.part) * (1 - x.part) + at(y.high, x.low) * y.part * (1 - x.part) +
                         at(y.low, x.high) * (1 - y.part) * x.part + at(y.high, x.high) * y.part * x.part;
            }
        }
    }
}

}  // namespace kernels
}  // namespace eitk
