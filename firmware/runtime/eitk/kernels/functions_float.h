// Functions of one float. The output may be the memory of the input.
#pragma once

#include <float.h>
#include <math.h>

namespace eitk {
namespace kernels {

// S: kElements. F::apply maps one value.
template <class S, class F>
inline void apply_all(const float* in, float* out) {
    for (int i = 0; i < S::kElements; ++i) out[i] = F::apply(in[i]);
}

// S: min() and max().
template <class S>
struct Clamp {
    static float apply(float x) { return x < S::min() ? S::min() : (x > S::max() ? S::max() : x); }
};

template <class S>
struct Logistic {
    static float apply(float x) { return 1.0f / (1.0f + expf(-x)); }
};

template <class S>
struct Tanh {
    static float apply(float x) { return tanhf(x); }
};

template <class S>
struct Elu {
    static float apply(float x) { return x < 0.0f ? expm1f(x) : x; }
};

// S: kApproximate, whether tanh approximates the distribution function.
template <class S>
struct Gelu {
    static float apply(float x) {
        if (S::kApproximate) return 0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
        return 0.5f * x * (1.0f + erff(x * 0.7071067812f));
    }
};

template <class S>
struct HardSwish {
    static float apply(float x) { return x * fminf(6.0f, fmaxf(0.0f, x + 3.0f)) / 6.0f; }
};

// S: alpha(), the slope of negative values.
template <class S>
struct LeakyRelu {
    static float apply(float x) { return x > 0.0f ? x : x * S::alpha(); }
};

template <class S>
struct Abs {
    static float apply(float x) { return fabsf(x); }
};

template <class S>
struct Neg {
    static float apply(float x) { return -x; }
};

template <class S>
struct Square {
    static float apply(float x) { return x * x; }
};

template <class S>
struct Sqrt {
    static float apply(float x) { return sqrtf(x); }
};

template <class S>
struct Rsqrt {
    static float apply(float x) { return 1.0f / sqrtf(x); }
};

template <class S>
struct Exp {
    static float apply(float x) { return expf(x); }
};

template <class S>
struct Log {
    static float apply(float x) { return logf(x); }
};

template <class S>
struct Sin {
    static float apply(float x) { return sinf(x); }
};

template <class S>
struct Cos {
    static float apply(float x) { return cosf(x); }
};

}  // namespace kernels
}  // namespace eitk
