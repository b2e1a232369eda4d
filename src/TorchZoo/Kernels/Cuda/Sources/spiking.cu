// One time step of spiking neurons, u = λ v + c + g x with spike and reset, and its gradients.
// instantiate: forward<{float,double}>
// instantiate: backward<{Triangle,Rectangle,Sigmoid,ArcTangent,FastSigmoid,Exponential},{float,double}>
#include "torchzoo.cuh"

// The numbers of SpikingDynamics, as CudaSpikingUpdate.Numbers has them.
template <class T> struct Dynamics
{
    T leak, gain, drift, threshold, rest, alpha;
    int hard, through_reset;
};

// The slope that stands for the spike's derivative, at a distance from the threshold.
struct Triangle
{
    template <class T> static __device__ T slope(T d, T alpha)
    {
        const T s = alpha - alpha * alpha * d;
        return s < T(0) ? T(0) : s;
    }
};

struct Rectangle
{
    template <class T> static __device__ T slope(T d, T alpha) { return d <= alpha / T(2) ? T(1) / alpha : T(0); }
};

struct Sigmoid
{
    template <class T> static __device__ T slope(T d, T alpha)
    {
        // Of a number that isn't positive: it doesn't overflow.
        const T e = exp(-alpha * d), s = T(1) / (T(1) + e);
        return alpha * s * (e * s);
    }
};

struct ArcTangent
{
    template <class T> static __device__ T slope(T d, T alpha)
    {
        const T scaled = T(1.57079632679489661923) * alpha * d;
        return alpha / T(2) / (scaled * scaled + T(1));
    }
};

struct FastSigmoid
{
    template <class T> static __device__ T slope(T d, T alpha)
    {
        const T growth = alpha * d + T(1);
        return T(1) / (growth * growth);
    }
};

struct Exponential
{
    template <class T> static __device__ T slope(T d, T alpha) { return alpha / T(2) * exp(-alpha * d); }
};

// Products and sums that are rounded each for itself, so that the same neurons spike as with torch operations.
__device__ inline float times(float a, float b) { return __fmul_rn(a, b); }
__device__ inline double times(double a, double b) { return __dmul_rn(a, b); }
__device__ inline float plus(float a, float b) { return __fadd_rn(a, b); }
__device__ inline double plus(double a, double b) { return __dadd_rn(a, b); }

// v null: all at rest. u null: not kept. next may be v.
template <class T> __global__ void forward(const T* x, const T* v, T* spikes, T* next, T* u, int64 n, Dynamics<T> of)
{
    Pack<T> at_rest;
#pragma unroll
    for (int i = 0; i < Pack<T>::size; i++) at_rest[i] = of.rest;
    for (int64 at : grid_range(packs<T>(n)))
    {
        Pack<T> before = v ? load_pack(v, at, n) : at_rest;
        const Pack<T> input = load_pack(x, at, n);
        Pack<T> s, potential;
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++)
        {
            const T p = plus(plus(times(before[i], of.leak), of.drift), times(input[i], of.gain));
            const T spike = p - of.threshold >= T(0) ? T(1) : T(0);
            potential[i] = p;
            s[i] = spike;
            before[i] = of.hard ? (T(1) - spike) * p + spike * of.rest : p - spike * of.threshold;
        }
        store_pack(spikes, at, n, s);
        store_pack(next, at, n, before);
        if (u) store_pack(u, at, n, potential);
    }
}

// by_spikes, by_next null: 0. by_input, by_membrane null: not wanted.
template <class S, class T> __global__ void backward(const T* u, const T* by_spikes, const T* by_next, T* by_input, T* by_membrane, int64 n,
    Dynamics<T> of)
{
    for (int64 at : grid_range(packs<T>(n)))
    {
        const Pack<T> potential = load_pack(u, at, n);
        Pack<T> s{}, v{};
        if (by_spikes) s = load_pack(by_spikes, at, n);
        if (by_next) v = load_pack(by_next, at, n);
#pragma unroll
        for (int i = 0; i < Pack<T>::size; i++)
        {
            const T p = potential[i], distance = p - of.threshold, slope = S::slope(fabs(distance), of.alpha);
            const T through = of.through_reset ? slope : T(0);
            const T stays = of.hard ? (distance >= T(0) ? T(0) : T(1)) + (of.rest - p) * through : T(1) - of.threshold * through;
            const T by = (by_spikes ? slope * s[i] : T(0)) + (by_next ? stays * v[i] : T(0));
            s[i] = by * of.gain;
            v[i] = by * of.leak;
        }
        if (by_input) store_pack(by_input, at, n, s);
        if (by_membrane) store_pack(by_membrane, at, n, v);
    }
}
