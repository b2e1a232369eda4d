// x g(s x) of (outer, channels, inner) numbers x with a slope s for each channel, and its gradients; 16-bit types are computed in float32.
// instantiate: forward<{Logistic,Normal,Mish},{float,double,float16,bfloat16}>
// instantiate: backward<{Logistic,Normal,Mish},{float,double,float16,bfloat16}>
#include "torchzoo.cuh"

// Gates g with their derivatives.
struct Logistic
{
    template <class T> static __device__ T value(T u, T& slope)
    {
        const T g = logistic(u);
        slope = g * (T(1) - g);
        return g;
    }
};

struct Normal
{
    template <class T> static __device__ T value(T u, T& slope)
    {
        slope = T(0.39894228040143267794) * exp(T(-0.5) * u * u);
        return T(0.5) * erfc(u * T(-0.70710678118654752440));
    }
};

// tanh(log(1 + e^u)) = n / (n + 2) with n = e (e + 2), e = e^u; where e^2 would be large it is 1.
struct Mish
{
    template <class T> static __device__ T value(T u, T& slope)
    {
        if (u > T(20))
        {
            slope = T(0);
            return T(1);
        }
        const T e = exp(u), n = e * (e + T(2)), r = T(1) / (n + T(2));
        slope = T(4) * (n + T(1)) * r * r * logistic(u);
        return n * r;
    }
};

template <class F, class T> __global__ void forward(const T* x, const T* slopes, T* y, int64 n, int64 channels, int64 inner)
{
    for (int64 at : grid_range(packs<T>(n)))
    {
        Pack<T> v = load_pack(x, at, n);
        ChannelOf of(at * Pack<T>::size, channels, inner);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++, of.next())
        {
            compute<T> z = widen(v[i]), slope;
            v[i] = narrow<T>(z * F::value(widen(slopes[of.channel]) * z, slope));
        }
        store_pack(y, at, n, v);
    }
}

// The gradient by x, which may be `gradient`; and what each number adds to that of its channel's slope, unless that isn't wanted.
template <class F, class T> __global__ void backward(const T* x, const T* slopes, const T* gradient, T* by_x, compute<T>* by_slopes, int64 n,
    int64 channels, int64 inner)
{
    for (int64 at : grid_range(packs<T>(n)))
    {
        const Pack<T> v = load_pack(x, at, n);
        Pack<T> g = load_pack(gradient, at, n);
        ChannelOf of(at * Pack<T>::size, channels, inner);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++, of.next())
        {
            compute<T> z = widen(v[i]), s = widen(slopes[of.channel]), by = widen(g[i]), steep;
            const compute<T> gate = F::value(s * z, steep), through = by * z * steep;
            g[i] = narrow<T>(by * gate + through * s);
            const int64 place = at * Pack<T>::size + i;
            if (by_slopes && place < n) by_slopes[place] = through * z;
        }
        store_pack(by_x, at, n, g);
    }
}
