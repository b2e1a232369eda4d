// What the kernels share. NVRTC brings CUDA's built-in functions and no system headers, so integer and 16-bit types are here too.
//
// Warps and blocks: a function named block_… is called by all threads of a block, whose threads lie along x and are a multiple of 32;
// one named warp_… by all 32 lanes of a warp. Operators are function objects, T operator()(T left, T right), and associative; the scans
// keep left and right in order, so that theirs needn't commute. T is any type that can be copied by its bytes.
#pragma once

using int8 = signed char;
using uint8 = unsigned char;
using int16 = short;
using uint16 = unsigned short;
using int32 = int;
using uint32 = unsigned int;
using int64 = long long;
using uint64 = unsigned long long;

constexpr uint32 all_lanes = 0xffffffffu;

// ---- 16-bit floating point: kept in memory, computed with as float ----------------------------------------------------------------

struct float16 { uint16 bits; };
struct bfloat16 { uint16 bits; };

// The type in which arithmetic on T is done.
template <class T> struct arithmetic { using type = T; };
template <> struct arithmetic<float16> { using type = float; };
template <> struct arithmetic<bfloat16> { using type = float; };
template <class T> using compute = typename arithmetic<T>::type;

__device__ inline float widen(float x) { return x; }
__device__ inline double widen(double x) { return x; }

__device__ inline float widen(float16 x)
{
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
    return wide;
}

__device__ inline float widen(bfloat16 x) { return __uint_as_float((uint32)x.bits << 16); }

// To the nearest T, ties to even.
template <class T> __device__ inline T narrow(compute<T> x) { return x; }

template <> __device__ inline float16 narrow<float16>(float x)
{
    float16 half;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half.bits) : "f"(x));
    return half;
}

template <> __device__ inline bfloat16 narrow<bfloat16>(float x)
{
    uint32 bits = __float_as_uint(x);
    // Rounding up the bits of a NaN could make it an infinity.
    if (x != x) return {0x7fff};
    return {(uint16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

template <class T> __device__ inline T infinity();
template <> __device__ inline float infinity<float>() { return __int_as_float(0x7f800000); }
template <> __device__ inline double infinity<double>() { return __longlong_as_double(0x7ff0000000000000ll); }

// ---- Operators --------------------------------------------------------------------------------------------------------------------

struct Sum { template <class T> __device__ T operator()(T a, T b) const { return a + b; } };
struct Product { template <class T> __device__ T operator()(T a, T b) const { return a * b; } };
// A NaN stays, as in torch.
struct Maximum { template <class T> __device__ T operator()(T a, T b) const { return a > b || a != a ? a : b; } };
struct Minimum { template <class T> __device__ T operator()(T a, T b) const { return a < b || a != a ? a : b; } };

// ---- Loops over the whole grid ----------------------------------------------------------------------------------------------------

// for (int64 i : grid_range(n)): this thread's share of 0 … n − 1, neighbours side by side, for any number of blocks along x.
struct grid_range
{
    struct iterator
    {
        int64 at, step;
        __device__ int64 operator*() const { return at; }
        __device__ void operator++() { at += step; }
        __device__ bool operator!=(const iterator& end) const { return at < end.at; }
    };

    int64 n;
    __device__ explicit grid_range(int64 n) : n(n) {}
    __device__ iterator begin() const { return {(int64)blockIdx.x * blockDim.x + threadIdx.x, (int64)gridDim.x * blockDim.x}; }
    __device__ iterator end() const { return {n, 0}; }
};

// ---- 16 bytes at a time -----------------------------------------------------------------------------------------------------------

template <class T> struct alignas(16) Pack
{
    static constexpr int size = 16 / sizeof(T);
    T items[size];
    __device__ T& operator[](int i) { return items[i]; }
    __device__ const T& operator[](int i) const { return items[i]; }
};

// How many packs hold n numbers, the last one perhaps in part.
template <class T> __device__ inline int64 packs(int64 n) { return (n + Pack<T>::size - 1) / Pack<T>::size; }

// Pack number `pack` of an array of n: in one access where it is whole and the array begins at a multiple of 16 bytes, else number by
// number. What lies behind the array is neither read nor written; there the pack holds `fill`.
template <class T> __device__ inline Pack<T> load_pack(const T* from, int64 pack, int64 n, T fill = T{})
{
    const int64 at = pack * Pack<T>::size;
    if (at + Pack<T>::size <= n && (uint64)from % 16 == 0) return reinterpret_cast<const Pack<T>*>(from)[pack];
    Pack<T> result;
#pragma unroll
    for (int i = 0; i < Pack<T>::size; i++) result[i] = at + i < n ? from[at + i] : fill;
    return result;
}

template <class T> __device__ inline void store_pack(T* to, int64 pack, int64 n, const Pack<T>& value)
{
    const int64 at = pack * Pack<T>::size;
    if (at + Pack<T>::size <= n && (uint64)to % 16 == 0)
    {
        reinterpret_cast<Pack<T>*>(to)[pack] = value;
        return;
    }
#pragma unroll
    for (int i = 0; i < Pack<T>::size; i++)
        if (at + i < n) to[at + i] = value[i];
}

// ---- Exchange between lanes -------------------------------------------------------------------------------------------------------

// CUDA's shuffles, for any T: word by word.
template <class T> struct Words
{
    static constexpr int count = (sizeof(T) + 3) / 4;
    uint32 words[count];
    __device__ explicit Words(const T& value) : words() { memcpy(words, &value, sizeof(T)); }
    __device__ T value() const
    {
        T result;
        memcpy(&result, words, sizeof(T));
        return result;
    }
};

template <class T> __device__ inline T shuffle_xor(T value, int mask)
{
    Words<T> w(value);
#pragma unroll
    for (int i = 0; i < Words<T>::count; i++) w.words[i] = __shfl_xor_sync(all_lanes, w.words[i], mask);
    return w.value();
}

template <class T> __device__ inline T shuffle_up(T value, int distance)
{
    Words<T> w(value);
#pragma unroll
    for (int i = 0; i < Words<T>::count; i++) w.words[i] = __shfl_up_sync(all_lanes, w.words[i], distance);
    return w.value();
}

template <class T> __device__ inline T shuffle(T value, int lane)
{
    Words<T> w(value);
#pragma unroll
    for (int i = 0; i < Words<T>::count; i++) w.words[i] = __shfl_sync(all_lanes, w.words[i], lane);
    return w.value();
}

__device__ inline int lane() { return threadIdx.x % 32; }
__device__ inline int warp() { return threadIdx.x / 32; }
__device__ inline int block_warps() { return blockDim.x / 32; }

// ---- Reductions: every thread gets the result. The operator commutes. -------------------------------------------------------------

template <class T, class Op> __device__ inline T warp_reduce(T value, Op op)
{
#pragma unroll
    for (int mask = 16; mask > 0; mask /= 2) value = op(value, shuffle_xor(value, mask));
    return value;
}

// `identity` changes nothing: op(identity, x) = x.
template <class T, class Op> __device__ inline T block_reduce(T value, Op op, T identity)
{
    __shared__ T totals[32];
    value = warp_reduce(value, op);
    // Whoever is still reading the results of the call before.
    __syncthreads();
    if (lane() == 0) totals[warp()] = value;
    __syncthreads();
    return warp_reduce(lane() < block_warps() ? totals[lane()] : identity, op);
}

// ---- Inclusive scans: thread i gets x_0 op x_1 op … op x_i. -----------------------------------------------------------------------

template <class T, class Op> __device__ inline T warp_inclusive_scan(T value, Op op)
{
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2)
    {
        T left = shuffle_up(value, distance);
        if (lane() >= distance) value = op(left, value);
    }
    return value;
}

// `total`, the last thread's result, for all.
template <class T, class Op> __device__ inline T block_inclusive_scan(T value, Op op, T& total)
{
    __shared__ T totals[32];
    value = warp_inclusive_scan(value, op);
    __syncthreads();
    if (lane() == 31) totals[warp()] = value;
    __syncthreads();
    // Each warp scans the totals for itself. Lanes without a warp repeat the last one's; nobody looks at their sums.
    const int last = block_warps() - 1;
    T sums = warp_inclusive_scan(totals[lane() < last ? lane() : last], op);
    total = shuffle(sums, last);
    T before = shuffle(sums, warp() > 0 ? warp() - 1 : 0);
    return warp() > 0 ? op(before, value) : value;
}

template <class T, class Op> __device__ inline T block_inclusive_scan(T value, Op op)
{
    T total;
    return block_inclusive_scan(value, op, total);
}

// 1 / (1 + exp(-x))
template <class T> __device__ inline T logistic(T x)
{
    // exp of a number that isn't positive doesn't overflow.
    const T e = exp(-fabs(x));
    return (x >= T(0) ? T(1) : e) / (T(1) + e);
}

// The channel of one number after the other. Divisions of 64 bits are slow: there is one pair for a whole pack.
struct ChannelOf
{
    int64 channels, inner, channel, within;
    __device__ ChannelOf(int64 at, int64 channels, int64 inner)
        : channels(channels), inner(inner), channel(at / inner % channels), within(at % inner) {}
    __device__ void next()
    {
        if (++within < inner) return;
        within = 0;
        if (++channel == channels) channel = 0;
    }
};
