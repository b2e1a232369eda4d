// Functions of one number with their derivatives; 16-bit types are computed in float32.
// instantiate: forward<{Sigmoid,Tanh,Silu,Gelu,GeluTanh,Softplus,Mish,Exp,Log},{float,double,float16,bfloat16}>
// instantiate: backward<{Sigmoid,Tanh,Silu,Gelu,GeluTanh,Softplus,Mish,Exp,Log},{float,double,float16,bfloat16}>
#include "torchzoo.cuh"

// A function's value at x, and its slope at `at`: at y where the function is of_value, else at x.
constexpr bool of_value = true, of_argument = false;
template <bool by> struct Slope { static constexpr bool is_of_value = by; };

template <class T> __device__ inline T logistic(T x)
{
    // exp of a number that isn't positive doesn't overflow.
    const T e = exp(-fabs(x));
    return (x >= T(0) ? T(1) : e) / (T(1) + e);
}

struct Sigmoid : Slope<of_value>
{
    template <class T> static __device__ T value(T x) { return logistic(x); }
    template <class T> static __device__ T slope(T y) { return y * (T(1) - y); }
};

struct Tanh : Slope<of_value>
{
    template <class T> static __device__ T value(T x) { return tanh(x); }
    template <class T> static __device__ T slope(T y) { return T(1) - y * y; }
};

struct Silu : Slope<of_argument>
{
    template <class T> static __device__ T value(T x) { return x * logistic(x); }
    template <class T> static __device__ T slope(T x)
    {
        const T s = logistic(x);
        return s + x * s * (T(1) - s);
    }
};

// x Φ(x), Φ the distribution function of the normal distribution.
struct Gelu : Slope<of_argument>
{
    template <class T> static __device__ T phi(T x) { return T(0.5) * erfc(x * T(-0.70710678118654752440)); }
    template <class T> static __device__ T value(T x) { return x * phi(x); }
    template <class T> static __device__ T slope(T x) { return phi(x) + x * T(0.39894228040143267794) * exp(T(-0.5) * x * x); }
};

// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
struct GeluTanh : Slope<of_argument>
{
    template <class T> static __device__ T inner(T x) { return T(0.79788456080286535588) * (x + T(0.044715) * x * x * x); }
    template <class T> static __device__ T value(T x) { return T(0.5) * x * (T(1) + tanh(inner(x))); }
    template <class T> static __device__ T slope(T x)
    {
        const T t = tanh(inner(x));
        const T inside = T(0.79788456080286535588) * (T(1) + T(3 * 0.044715) * x * x);
        return T(0.5) * (T(1) + t) + T(0.5) * x * (T(1) - t * t) * inside;
    }
};

// log(1 + eˣ)
struct Softplus : Slope<of_argument>
{
    template <class T> static __device__ T value(T x) { return (x > T(0) ? x : T(0)) + log1p(exp(-fabs(x))); }
    template <class T> static __device__ T slope(T x) { return logistic(x); }
};

// x tanh(softplus(x)). With n = e (e + 2), e = eˣ, the tanh is n / (n + 2); where e² would be large it is 1.
struct Mish : Slope<of_argument>
{
    template <class T> static __device__ T gate(T x)
    {
        if (x > T(20)) return T(1);
        const T e = exp(x), n = e * (e + T(2));
        return n / (n + T(2));
    }
    template <class T> static __device__ T value(T x) { return x * gate(x); }
    template <class T> static __device__ T slope(T x)
    {
        if (x > T(20)) return T(1);
        // 1 − gate², without the cancellation.
        const T e = exp(x), n = e * (e + T(2)), rest = T(4) * (n + T(1)) / ((n + T(2)) * (n + T(2)));
        return gate(x) + x * rest * logistic(x);
    }
};

struct Exp : Slope<of_value>
{
    template <class T> static __device__ T value(T x) { return exp(x); }
    template <class T> static __device__ T slope(T y) { return y; }
};

struct Log : Slope<of_argument>
{
    template <class T> static __device__ T value(T x) { return log(x); }
    template <class T> static __device__ T slope(T x) { return T(1) / x; }
};

// y = f(x). y may be x.
template <class F, class T> __global__ void forward(const T* x, T* y, int64 n)
{
    for (int64 at : grid_range(packs<T>(n)))
    {
        Pack<T> v = load_pack(x, at, n);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++) v[i] = narrow<T>(F::value(widen(v[i])));
        store_pack(y, at, n, v);
    }
}

// result = gradient · f′, with f′ from y or from x; the other isn't read. The result may be any of the three.
template <class F, class T> __global__ void backward(const T* x, const T* y, const T* gradient, T* result, int64 n)
{
    const T* of = F::is_of_value ? y : x;
    for (int64 at : grid_range(packs<T>(n)))
    {
        Pack<T> v = load_pack(of, at, n);
        const Pack<T> g = load_pack(gradient, at, n);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++) v[i] = narrow<T>(widen(g[i]) * F::slope(widen(v[i])));
        store_pack(result, at, n, v);
    }
}
