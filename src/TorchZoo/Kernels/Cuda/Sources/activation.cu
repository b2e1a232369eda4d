// act(x + bias + residual) of (outer, channels, inner) numbers, and its gradient; 16-bit types are computed in float32.
// instantiate: forward<{Identity,Relu,Sigmoid,Tanh,Silu,Gelu,GeluTanh,Softplus,Mish,Sin},{float,double,float16,bfloat16}>
// instantiate: backward<{Identity,Relu,Sigmoid,Tanh,Silu,Gelu,GeluTanh,Softplus,Mish,Sin},{float,double,float16,bfloat16}>
#include "torchzoo.cuh"

struct Identity
{
    template <class T> static __device__ T value(T x) { return x; }
    template <class T> static __device__ T slope(T) { return T(1); }
};

// A NaN stays; it lets the gradient through, as in torch.
struct Relu
{
    template <class T> static __device__ T value(T x) { return x <= T(0) ? T(0) : x; }
    template <class T> static __device__ T slope(T x) { return x <= T(0) ? T(0) : T(1); }
};

struct Sigmoid
{
    template <class T> static __device__ T value(T x) { return logistic(x); }
    template <class T> static __device__ T slope(T x)
    {
        const T s = logistic(x);
        return s * (T(1) - s);
    }
};

struct Tanh
{
    template <class T> static __device__ T value(T x) { return tanh(x); }
    template <class T> static __device__ T slope(T x)
    {
        const T t = tanh(x);
        return T(1) - t * t;
    }
};

struct Silu
{
    template <class T> static __device__ T value(T x) { return x * logistic(x); }
    template <class T> static __device__ T slope(T x)
    {
        const T s = logistic(x);
        return s + x * s * (T(1) - s);
    }
};

// x Φ(x), Φ the distribution function of the normal distribution.
struct Gelu
{
    template <class T> static __device__ T phi(T x) { return T(0.5) * erfc(x * T(-0.70710678118654752440)); }
    template <class T> static __device__ T value(T x) { return x * phi(x); }
    template <class T> static __device__ T slope(T x) { return phi(x) + x * T(0.39894228040143267794) * exp(T(-0.5) * x * x); }
};

// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
struct GeluTanh
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

// log(1 + eˣ); x itself above 20, as in torch.
struct Softplus
{
    template <class T> static __device__ T value(T x) { return x > T(20) ? x : (x > T(0) ? x : T(0)) + log1p(exp(-fabs(x))); }
    template <class T> static __device__ T slope(T x) { return x > T(20) ? T(1) : logistic(x); }
};

// x tanh(softplus(x)). With n = e (e + 2), e = eˣ, the tanh is n / (n + 2); where e² would be large it is 1.
struct Mish
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

struct Sin
{
    template <class T> static __device__ T value(T x) { return sin(x); }
    template <class T> static __device__ T slope(T x) { return cos(x); }
};

// x + bias + residual, where these are there.
template <class T> __device__ inline Pack<T> load_sum(const T* x, const T* bias, const T* residual, int64 pack, int64 n, int64 channels,
    int64 inner)
{
    Pack<T> v = load_pack(x, pack, n);
    if (!bias && !residual) return v;
    Pack<T> r{};
    if (residual) r = load_pack(residual, pack, n);
    ChannelOf of(pack * Pack<T>::size, channels, inner);
#pragma unroll
    for (int i = 0; i < Pack<T>::size; i++, of.next())
    {
        compute<T> z = widen(v[i]);
        if (bias) z += widen(bias[of.channel]);
        if (residual) z += widen(r[i]);
        v[i] = narrow<T>(z);
    }
    return v;
}

// y = act(x + bias + residual), and the sum too if it is wanted. y may be x or residual.
template <class F, class T> __global__ void forward(const T* x, const T* bias, const T* residual, T* y, T* sum, int64 n, int64 channels,
    int64 inner)
{
    for (int64 at : grid_range(packs<T>(n)))
    {
        Pack<T> v = load_sum(x, bias, residual, at, n, channels, inner);
        if (sum) store_pack(sum, at, n, v);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++) v[i] = narrow<T>(F::value(widen(v[i])));
        store_pack(y, at, n, v);
    }
}

// result = gradient · act′(x + bias). It may be either of the two.
template <class F, class T> __global__ void backward(const T* x, const T* bias, const T* gradient, T* result, int64 n, int64 channels,
    int64 inner)
{
    for (int64 at : grid_range(packs<T>(n)))
    {
        Pack<T> v = load_sum(x, bias, (const T*)nullptr, at, n, channels, inner);
        const Pack<T> g = load_pack(gradient, at, n);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++) v[i] = narrow<T>(widen(g[i]) * F::slope(widen(v[i])));
        store_pack(result, at, n, v);
    }
}
