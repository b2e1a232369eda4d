// Sums of spline curves, y_o = Σ_i Σ_m c_{i,m,o} B_m(x_i), and their gradients by x and c: of a feature's basis functions only the
// k + 1 that aren't zero.
// instantiate: forward<{float,double}>
// instantiate: by_inputs<{float,double}>
// instantiate: by_coefficients<{float,double}>
#include "torchzoo.cuh"

// As SplineSizes.
struct Sizes
{
    int64 samples, features, knots, outputs;
    int order, padding;
};

constexpr int most = 10;    // functions of a point: SplineSum.LargestOrder + 1
constexpr int points = 32;  // points that a block evaluates at a time

// The functions that aren't zero at x, or their derivatives, as a window of all; returns where it begins. As SplineKernel.Evaluate, with a
// search by halves: knots on a GPU are read from far.
template <class T> __device__ int64 evaluate(const T* t, const Sizes& of, T x, T* values, bool slopes)
{
    const int k = of.order;
    const int64 last = of.knots - 2;
#pragma unroll
    for (int r = 0; r < most; r++) values[r] = T(0);
    if (!(x >= t[0] && x < t[of.knots - 1]))
    {
        if (!(fabs(x) < infinity<T>()))
            for (int r = 0; r <= k; r++) values[r] = x - x;
        return 0;
    }
    int64 j = 0, high = of.knots - 1;
    while (high - j > 1)
    {
        const int64 middle = (j + high) / 2;
        if (t[middle] <= x) j = middle;
        else high = middle;
    }
    T local[most];
    local[0] = slopes && k == 0 ? T(0) : T(1);
    for (int d = 1; d <= k; d++)
    {
        const bool derivative = slopes && d == k;
        T saved = T(0);
        for (int r = 0; r < d; r++)
        {
            const int64 m = j - d + 1 + r;
            // Beyond the ends the last knot stands for those that aren't there: nothing of them is used.
            const T low = t[m < 0 ? 0 : m], top = t[m + d > last + 1 ? last + 1 : m + d], share = local[r] / (top - low);
            local[r] = derivative ? saved - T(k) * share : saved + (top - x) * share;
            saved = derivative ? T(k) * share : (x - low) * share;
        }
        local[d] = saved;
    }
    const int64 first = j - k, begin = first < 0 ? 0 : first > last - 2 * k ? last - 2 * k : first;
    for (int r = 0; r <= k; r++)
    {
        const int64 from = begin + r - first;
        if (from >= 0 && from <= k) values[r] = local[from];
    }
    return begin;
}

// A block for each sample in turn, a thread for each output in turn.
template <class T> __global__ void forward(const T* x, const T* knots, const T* c, T* y, Sizes of)
{
    __shared__ T values[points][most];
    __shared__ int64 windows[points];
    const int64 bases = of.knots - of.order - 1;
    for (int64 n = blockIdx.x; n < of.samples; n += gridDim.x)
        for (int64 start = 0; start < of.features; start += points)
        {
            const int64 i = start + threadIdx.x;
            if (threadIdx.x < points && i < of.features)
                windows[threadIdx.x] =
                    (i * bases + evaluate(knots + i * of.knots, of, x[n * of.features + i], values[threadIdx.x], false)) * of.outputs;
            __syncthreads();
            const int count = of.features - start < points ? (int)(of.features - start) : points;
            for (int64 o = threadIdx.x; o < of.outputs; o += blockDim.x)
            {
                T sum = start == 0 ? T(0) : y[n * of.outputs + o];
                for (int p = 0; p < count; p++)
                    for (int r = 0; r <= of.order; r++) sum += values[p][r] * c[windows[p] + r * of.outputs + o];
                y[n * of.outputs + o] = sum;
            }
            __syncthreads();
        }
}

// A warp for each element of x in turn.
template <class T> __global__ void by_inputs(const T* x, const T* knots, const T* c, const T* by_y, T* by_x, Sizes of)
{
    const int64 bases = of.knots - of.order - 1, warps = (int64)gridDim.x * block_warps();
    T slopes[most];
    for (int64 at = (int64)blockIdx.x * block_warps() + warp(); at < of.samples * of.features; at += warps)
    {
        const int64 n = at / of.features, i = at % of.features;
        const T* from = c + (i * bases + evaluate(knots + i * of.knots, of, x[at], slopes, true)) * of.outputs;
        T sum = T(0);
        for (int64 o = lane(); o < of.outputs; o += 32)
        {
            T slope = T(0);
            for (int r = 0; r <= of.order; r++) slope += slopes[r] * from[r * of.outputs + o];
            sum += slope * by_y[n * of.outputs + o];
        }
        sum = warp_reduce(sum, Sum());
        if (lane() == 0) by_x[at] = sum;
    }
}

// A block for each feature and 64 outputs: it alone adds to these coefficients, sample after sample, so the sums have one order.
template <class T> __global__ void by_coefficients(const T* x, const T* knots, const T* by_y, T* by_c, Sizes of)
{
    __shared__ T values[points][most];
    __shared__ int64 windows[points];
    const int64 bases = of.knots - of.order - 1, i = blockIdx.x, o = (int64)blockIdx.y * blockDim.x + threadIdx.x;
    T* to = by_c + i * bases * of.outputs;
    if (o < of.outputs)
        for (int64 m = 0; m < bases; m++) to[m * of.outputs + o] = T(0);
    for (int64 start = 0; start < of.samples; start += points)
    {
        const int64 n = start + threadIdx.x;
        if (threadIdx.x < points && n < of.samples)
            windows[threadIdx.x] = evaluate(knots + i * of.knots, of, x[n * of.features + i], values[threadIdx.x], false) * of.outputs;
        __syncthreads();
        const int count = of.samples - start < points ? (int)(of.samples - start) : points;
        if (o < of.outputs)
            for (int p = 0; p < count; p++)
            {
                const T gradient = by_y[(start + p) * of.outputs + o];
                for (int r = 0; r <= of.order; r++) to[windows[p] + r * of.outputs + o] += values[p][r] * gradient;
            }
        __syncthreads();
    }
}
