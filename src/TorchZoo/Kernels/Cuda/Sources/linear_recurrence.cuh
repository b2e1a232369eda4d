// Linear recurrences x_t = M_t x_{t−1} + r_t with small square matrices M, one for each channel of each sequence of a batch (a series).
//
// Arrays lie as torch stores (batch, time, rows · channels): rows that belong together are `channels` numbers apart. A state of n numbers
// is n rows, a matrix n², row by row. States without a time are (batch, n · channels).
//
// Series are walked by one thread each, or, where they are few and long, in chunks by several:
//   fold    each thread composes the maps of its chunk into one,
//   carry   a block scans the chunks' maps of a series: afterwards each holds, as r, the state at its chunk's end,
//   then each thread walks its chunk from the state before it, as it would walk the whole series.
// The maps of chunks are products of many M, which must stay finite. Steps are counted in walking order: for a recurrence that runs
// backward in time, step 0 is the last time.
#pragma once
#include "torchzoo.cuh"

// ---- Small vectors and matrices -----------------------------------------------------------------------------------------------------

template <class T, int n> struct Vector { T v[n]; };

// Row by row.
template <class T, int n> struct Matrix { T m[n * n]; };

template <class T, int n> __device__ inline Vector<T, n> operator+(const Vector<T, n>& a, const Vector<T, n>& b)
{
    Vector<T, n> sum;
#pragma unroll
    for (int i = 0; i < n; i++) sum.v[i] = a.v[i] + b.v[i];
    return sum;
}

template <class T, int n> __device__ inline Vector<T, n> operator*(const Matrix<T, n>& a, const Vector<T, n>& b)
{
    Vector<T, n> product{};
#pragma unroll
    for (int i = 0; i < n; i++)
#pragma unroll
        for (int k = 0; k < n; k++) product.v[i] += a.m[i * n + k] * b.v[k];
    return product;
}

template <class T, int n> __device__ inline Matrix<T, n> operator*(const Matrix<T, n>& a, const Matrix<T, n>& b)
{
    Matrix<T, n> product{};
#pragma unroll
    for (int i = 0; i < n; i++)
#pragma unroll
        for (int j = 0; j < n; j++)
#pragma unroll
            for (int k = 0; k < n; k++) product.m[i * n + j] += a.m[i * n + k] * b.m[k * n + j];
    return product;
}

template <class T, int n> __device__ inline Matrix<T, n> transposed(const Matrix<T, n>& a)
{
    Matrix<T, n> result;
#pragma unroll
    for (int i = 0; i < n; i++)
#pragma unroll
        for (int j = 0; j < n; j++) result.m[i * n + j] = a.m[j * n + i];
    return result;
}

// x ↦ m x + r
template <class T, int n> struct Affine
{
    Matrix<T, n> m;
    Vector<T, n> r;

    __device__ Vector<T, n> operator()(const Vector<T, n>& x) const { return m * x + r; }

    static __device__ Affine identity()
    {
        Affine map{};
#pragma unroll
        for (int i = 0; i < n; i++) map.m.m[i * n + i] = T(1);
        return map;
    }
};

struct Compose
{
    template <class T, int n> __device__ Affine<T, n> operator()(const Affine<T, n>& first, const Affine<T, n>& then) const
    {
        return {then.m * first.m, then(first.r)};
    }
};

// ---- Memory -------------------------------------------------------------------------------------------------------------------------

template <int n, class S> __device__ inline Vector<compute<S>, n> load_vector(const S* row, int64 channels)
{
    Vector<compute<S>, n> x;
#pragma unroll
    for (int i = 0; i < n; i++) x.v[i] = widen(row[i * channels]);
    return x;
}

template <int n, class S> __device__ inline Matrix<compute<S>, n> load_matrix(const S* row, int64 channels)
{
    Matrix<compute<S>, n> a;
#pragma unroll
    for (int i = 0; i < n * n; i++) a.m[i] = widen(row[i * channels]);
    return a;
}

template <class S, int n> __device__ inline void store(S* row, int64 channels, const Vector<compute<S>, n>& x)
{
#pragma unroll
    for (int i = 0; i < n; i++) row[i * channels] = narrow<S>(x.v[i]);
}

template <class S, int n> __device__ inline void store(S* row, int64 channels, const Matrix<compute<S>, n>& a)
{
#pragma unroll
    for (int i = 0; i < n * n; i++) row[i * channels] = narrow<S>(a.m[i]);
}

// ---- Series and their chunks --------------------------------------------------------------------------------------------------------

// CudaRecurrencePlan.cs. A chunk has `chunk` steps, the last one of a series perhaps fewer.
struct Plan
{
    int64 batch, time, channels, chunk;
    __device__ int64 chunks() const { return time > chunk ? (time + chunk - 1) / chunk : 1; }
    __device__ int64 parts() const { return batch * chunks() * channels; }
};

// A thread's part: one chunk of a series. Neighbours have neighbouring channels.
struct Part
{
    int64 index, batch, channel, channels, time, chunk, chunks, begin, end;

    __device__ Part(const Plan& plan, int64 index) : index(index), channels(plan.channels), time(plan.time), chunks(plan.chunks())
    {
        channel = index % channels;
        chunk = index / channels % chunks;
        batch = index / channels / chunks;
        begin = chunk * plan.chunk;
        end = begin + plan.chunk < time ? begin + plan.chunk : time;
    }

    __device__ bool is_last() const { return chunk == chunks - 1; }

    // The first row at time t of an array with so many rows, and of one without times.
    __device__ int64 at(int64 t, int rows) const { return (batch * time + t) * rows * channels + channel; }
    __device__ int64 at(int rows) const { return batch * rows * channels + channel; }
};

// The state at time t; before time 0 it is `initial`, or 0 where that is null.
template <int n, class S>
__device__ inline Vector<compute<S>, n> state_at(const Part& part, const S* initial, const S* states, int64 t)
{
    if (t >= 0) return load_vector<n>(states + part.at(t, n), part.channels);
    return initial ? load_vector<n>(initial + part.at(n), part.channels) : Vector<compute<S>, n>{};
}

// The state with which a part begins; carries, as left by `carry`, are looked at where there are several chunks.
template <int n, class S>
__device__ inline Vector<compute<S>, n> start_of(const Part& part, const S* initial, const Affine<compute<S>, n>* carries)
{
    return part.chunk > 0 ? carries[part.index - part.channels].r : state_at<n, S>(part, initial, nullptr, -1);
}

// body(s, load(s)) for all steps of a part, in order. What several steps need is loaded first, so that the loads don't wait for the
// recurrence, whose steps do wait for each other.
template <int tile, class Load, class Body> __device__ inline void walk(const Part& part, Load load, Body body)
{
    int64 s = part.begin;
    for (; s + tile <= part.end; s += tile)
    {
        decltype(load(s)) items[tile];
#pragma unroll
        for (int k = 0; k < tile; k++) items[k] = load(s + k);
#pragma unroll
        for (int k = 0; k < tile; k++) body(s + k, items[k]);
    }
    for (; s < part.end; s++) body(s, load(s));
}

// The maps of a part's steps, composed.
template <int tile, class Load> __device__ inline auto fold(const Part& part, Load load) -> decltype(load(int64()))
{
    using Map = decltype(load(int64()));
    Map whole = Map::identity();
    walk<tile>(part, load, [&](int64, const Map& step) { whole = Compose()(whole, step); });
    return whole;
}

// A block for each series, its threads along the chunks.
template <class S, int n> __global__ void carry(const S* initial, Affine<compute<S>, n>* maps, Plan plan)
{
    using Map = Affine<compute<S>, n>;
    const int64 chunks = plan.chunks(), channels = plan.channels;
    const int64 batch = blockIdx.x / channels, channel = blockIdx.x % channels;
    // Chunk 0, from which the series' first state is had.
    const Part first(plan, batch * chunks * channels + channel);
    Vector<compute<S>, n> state = start_of<n, S>(first, initial, nullptr);
    for (int64 from = 0; from < chunks; from += blockDim.x)
    {
        const int64 chunk = from + threadIdx.x;
        Map* mine = maps + first.index + chunk * channels;
        Map total;
        const Map before = block_inclusive_scan(chunk < chunks ? *mine : Map::identity(), Compose(), total);
        if (chunk < chunks) mine->r = before(state);
        state = total(state);
    }
}
