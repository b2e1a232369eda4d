// h_t = J_t h_{t−1} + r_t with its gradients, for states of one number (J diagonal) and of two (J in blocks of 2×2): see
// CudaLinearRecurrence.cs, and linear_recurrence.cuh for layout and chunks. 16-bit types are computed in float32.
// instantiate: fold_forward<{float,double,float16,bfloat16},{1,2}>
// instantiate: forward<{float,double,float16,bfloat16},{1,2}>
// instantiate: fold_backward<{float,double,float16,bfloat16},{1,2}>
// instantiate: backward<{float,double,float16,bfloat16},{1,2}>
// instantiate: carry<{float,double,float16,bfloat16},{1,2}>
#include "linear_recurrence.cuh"

// Steps whose loads are under way together: as many as registers hold.
template <int n> constexpr int tile = n == 1 ? 8 : 4;

template <int n, class S> __device__ inline Affine<compute<S>, n> map_at(const Part& part, const S* j, const S* r, int64 t)
{
    return {load_matrix<n>(j + part.at(t, n * n), part.channels), load_vector<n>(r + part.at(t, n), part.channels)};
}

template <class S, int n> __global__ void fold_forward(const S* j, const S* r, Affine<compute<S>, n>* maps, Plan plan)
{
    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        maps[i] = fold<tile<n>>(part, [&](int64 t) { return map_at<n>(part, j, r, t); });
    }
}

// states may be r: a thread has read what it writes over.
template <class S, int n>
__global__ void forward(const S* j, const S* r, const S* initial, S* states, Plan plan, const Affine<compute<S>, n>* carries)
{
    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        auto state = start_of<n, S>(part, initial, carries);
        walk<tile<n>>(part, [&](int64 t) { return map_at<n>(part, j, r, t); }, [&](int64 t, const Affine<compute<S>, n>& map)
        {
            state = map(state);
            store(states + part.at(t, n), part.channels, state);
        });
    }
}

// Backward in time: what arrives at time t from later is c, the gradient by h_t is λ = g_t + c, and c ← J_tᵀ λ goes on to t − 1. The
// gradient by r_t is λ, that by J_t is λ h_{t−1}ᵀ, and what arrives before time 0 is that by the initial state.
template <class S, int n> __global__ void fold_backward(const S* j, const S* gradient, Affine<compute<S>, n>* maps, Plan plan)
{
    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        maps[i] = fold<tile<n>>(part, [&](int64 s) -> Affine<compute<S>, n>
        {
            const auto map = map_at<n>(part, j, gradient, plan.time - 1 - s);
            const auto back = transposed(map.m);
            return {back, back * map.r};
        });
    }
}

// states and initial are read for by_j only. by_j and by_initial may be null; by_r may be gradient.
template <class S, int n>
__global__ void backward(const S* j, const S* states, const S* initial, const S* gradient, const S* gradient_last, S* by_r, S* by_j,
    S* by_initial, Plan plan, const Affine<compute<S>, n>* carries)
{
    using T = compute<S>;
    struct Item
    {
        Affine<T, n> map;
        Vector<T, n> before;
    };

    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        auto arriving = start_of<n, S>(part, gradient_last, carries);
        walk<tile<n>>(part, [&](int64 s) -> Item
        {
            const int64 t = plan.time - 1 - s;
            return {map_at<n>(part, j, gradient, t), by_j ? state_at<n>(part, initial, states, t - 1) : Vector<T, n>{}};
        }, [&](int64 s, const Item& item)
        {
            const int64 t = plan.time - 1 - s;
            const auto by_state = item.map.r + arriving;
            store(by_r + part.at(t, n), part.channels, by_state);
            if (by_j)
            {
                Matrix<T, n> outer;
#pragma unroll
                for (int k = 0; k < n * n; k++) outer.m[k] = by_state.v[k / n] * item.before.v[k % n];
                store(by_j + part.at(t, n * n), part.channels, outer);
            }
            arriving = transposed(item.map.m) * by_state;
        });
        if (by_initial && part.is_last()) store(by_initial + part.at(n), part.channels, arriving);
    }
}
