// Each function of torchzoo.cuh in a kernel of its own, for the tests.
// instantiate: round_trip<{float16,bfloat16}>
// instantiate: copy<{float,double,float16,bfloat16,uint8,int64}>
// instantiate: reduce<{float,double,int64},{Sum,Maximum,Minimum,Product}>
// instantiate: scan<{float,double,int64},Sum>
// instantiate: scan<{Affine<float>,Affine<double>},Compose>
#include "torchzoo.cuh"
#include "affine.cuh"

// float → T → float
template <class T> __global__ void round_trip(const float* x, float* y, int64 n)
{
    for (int64 i : grid_range(n)) y[i] = widen(narrow<T>(x[i]));
}

template <class T> __global__ void copy(const T* x, T* y, int64 n)
{
    for (int64 i : grid_range(packs<T>(n))) store_pack(y, i, n, load_pack(x, i, n));
}

// One block reduces n numbers, each thread its share first; two in a row use the shared memory anew.
template <class T, class Op> __global__ void reduce(const T* x, T* twice, int64 n, T identity)
{
    T sum = identity;
    for (int64 i : grid_range(n)) sum = Op()(sum, x[i]);
    const T first = block_reduce(sum, Op(), identity);
    const T second = block_reduce(first, Maximum(), first);
    if (threadIdx.x == blockDim.x - 1) twice[0] = first, twice[1] = second;
}

// One block scans n items, a block's width at a time; y and the total.
template <class T, class Op> __global__ void scan(const T* x, T* y, int64 n)
{
    T before, total;
    for (int64 from = 0; from < n; from += blockDim.x)
    {
        const int64 i = from + threadIdx.x;
        // What is behind the end stands after all else and changes nothing that is written.
        T value = block_inclusive_scan(x[i < n ? i : n - 1], Op(), total);
        if (from > 0) value = Op()(before, value), total = Op()(before, total);
        before = total;
        if (i < n) y[i] = value;
    }
}
