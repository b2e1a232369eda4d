// The sine of a field with its derivatives, and the adjoint: see SineJet.cs, whose letters these are. Blocks of `points` × `width` numbers
// lie one after the other: z, then its d first derivatives, then the m operators. A g before a letter is the loss's derivative by it.
// instantiate: forward<{float,double}>
// instantiate: backward<{float,double}>
#include "torchzoo.cuh"

// S, row by row. By value, as an argument: the constant cache hands it to all threads at once, and nothing has to be copied before.
template <class T> struct Weights { T s[256]; };

template <class T> struct Angle
{
    T sine, slope, curvature;

    // bias may be null.
    __device__ Angle(T z, const T* bias, int64 column, T omega)
    {
        T cosine;
        sincos(omega * (bias ? z + bias[column] : z), &sine, &cosine);
        slope = omega * cosine;
        curvature = omega * omega * sine;
    }
};

// Σ_i S_ji z_i²
template <class T> __device__ inline T squares(const T* z, int64 at, int64 stride, int d, const T* row)
{
    T sum = 0;
    for (int i = 0; i < d; i++)
    {
        const T zi = z[at + (1 + i) * stride];
        sum += row[i] * zi * zi;
    }
    return sum;
}

// y may be z: each thread has read what it needs of a position before it writes there.
template <class T>
__global__ void forward(const T* z, const T* bias, T* y, int64 points, int64 width, int d, int m, Weights<T> weights, T omega)
{
    const int64 stride = points * width;
    for (int64 at : grid_range(stride))
    {
        const Angle<T> a(z[at], bias, at % width, omega);
        y[at] = a.sine;
        for (int j = 0; j < m; j++)
        {
            const int64 to = at + (1 + d + j) * stride;
            y[to] = a.slope * z[to] - a.curvature * squares(z, at, stride, d, weights.s + j * d);
        }
        // After the squares have been taken.
        for (int i = 0; i < d; i++)
        {
            const int64 to = at + (1 + i) * stride;
            y[to] = a.slope * z[to];
        }
    }
}

// gradient: by y, becomes by z. y: written once more.
template <class T>
__global__ void backward(const T* z, const T* bias, T* gradient, T* y, int64 points, int64 width, int d, int m, Weights<T> weights, T omega)
{
    const int64 stride = points * width;
    for (int64 at : grid_range(stride))
    {
        const Angle<T> a(z[at], bias, at % width, omega);
        y[at] = a.sine;
        T by_z = a.slope * gradient[at];
        for (int j = 0; j < m; j++)
        {
            const int64 to = at + (1 + d + j) * stride;
            const T zj = z[to], gj = gradient[to], sum = squares(z, at, stride, d, weights.s + j * d);
            by_z -= gj * (a.curvature * zj + omega * omega * a.slope * sum);
            y[to] = a.slope * zj - a.curvature * sum;
        }
        for (int i = 0; i < d; i++)
        {
            const int64 to = at + (1 + i) * stride;
            const T zi = z[to], gi = gradient[to];
            T sum = 0;
            for (int j = 0; j < m; j++) sum += weights.s[j * d + i] * gradient[at + (1 + d + j) * stride];
            by_z -= a.curvature * gi * zi;
            gradient[to] = a.slope * gi - 2 * a.curvature * zi * sum;
            y[to] = a.slope * zi;
        }
        for (int j = 0; j < m; j++) gradient[at + (1 + d + j) * stride] *= a.slope;
        gradient[at] = by_z;
    }
}
