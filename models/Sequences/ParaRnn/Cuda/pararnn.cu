// The recurrences of ParaGRU and ParaLSTM with their gradients, and a step of Newton's method on all times at once: see CudaParaRnn.cs,
// and linear_recurrence.cuh for layout and chunks. u, what a cell gets of the input, has three rows; weights are A's rows, then C's.
// instantiate: forward<{Gru,Lstm}<{float,double}>>
// instantiate: fold_backward<{Gru,Lstm}<{float,double}>>
// instantiate: backward<{Gru,Lstm}<{float,double}>>
// instantiate: assemble<{Gru,Lstm}<{float,double}>>
// instantiate: fold_newton<{Gru,Lstm}<{float,double}>>
// instantiate: newton<{Gru,Lstm}<{float,double}>>
// instantiate: carry<{float,double},{1,2}>
// instantiate: sum<{float,double}>
#include "linear_recurrence.cuh"

// Steps whose loads are under way together.
constexpr int tile = 4;

template <class T> __device__ inline T sigmoid(T x) { return T(1) / (T(1) + exp(-x)); }

// ---- The cells. `before` is the state before the step. ------------------------------------------------------------------------------

template <class T> struct Gru
{
    using Number = T;
    static constexpr int size = 1, weights = 3;
    using State = Vector<T, size>;

    Vector<T, weights> a;

    struct Gates { T z, r, n; };

    __device__ Gru(const T* a, const T*, const Part& part) : a(load_vector<3>(a + part.channel, part.channels)) {}

    __device__ Gates gates(const Vector<T, 3>& u, T h) const
    {
        const T z = sigmoid(a.v[0] * h + u.v[0]), r = sigmoid(a.v[1] * h + u.v[1]);
        return {z, r, tanh(a.v[2] * h * r + u.v[2])};
    }

    __device__ State step(const Vector<T, 3>& u, const State& before) const
    {
        const T h = before.v[0];
        const Gates g = gates(u, h);
        return {h + g.z * (g.n - h)};
    }

    // m: the step's Jacobian; r: its result.
    __device__ Affine<T, size> linearized(const Vector<T, 3>& u, const State& before) const
    {
        const T h = before.v[0];
        const Gates g = gates(u, h);
        const T by_z = (g.n - h) * g.z * (T(1) - g.z), by_n = g.z * (T(1) - g.n * g.n);
        return {{T(1) - g.z + by_z * a.v[0] + by_n * a.v[2] * g.r * (T(1) + h * (T(1) - g.r) * a.v[1])}, {h + g.z * (g.n - h)}};
    }

    // From the gradient by the step's result to that by `before`, which is returned, by u, and by the weights, which is added.
    __device__ State adjoint(const Vector<T, 3>& u, const State& before, const State& by_state, Vector<T, 3>& by_u,
        Vector<T, weights>& by_weights) const
    {
        const T h = before.v[0], by_h = by_state.v[0];
        const Gates g = gates(u, h);
        const T by_n = by_h * g.z * (T(1) - g.n * g.n);
        const T by_z = by_h * (g.n - h) * g.z * (T(1) - g.z);
        const T by_r = by_n * a.v[2] * h * g.r * (T(1) - g.r);
        by_u = {{by_z, by_r, by_n}};
        by_weights = by_weights + Vector<T, weights>{{by_z * h, by_r * h, by_n * g.r * h}};
        return {by_h * (T(1) - g.z) + by_z * a.v[0] + by_r * a.v[1] + by_n * a.v[2] * g.r};
    }
};

// The state is c, then h; the rows are those of f, o, c, the peepholes those of f, o.
template <class T> struct Lstm
{
    using Number = T;
    static constexpr int size = 2, weights = 5;
    using State = Vector<T, size>;

    Vector<T, 3> a;
    Vector<T, 2> p;

    struct Gates { T f, g, c, o, t; };

    __device__ Lstm(const T* a, const T* c, const Part& part)
        : a(load_vector<3>(a + part.channel, part.channels)), p(load_vector<2>(c + part.channel, part.channels)) {}

    __device__ Gates gates(const Vector<T, 3>& u, const State& before) const
    {
        const T c = before.v[0], h = before.v[1];
        const T f = sigmoid(a.v[0] * h + p.v[0] * c + u.v[0]), g = tanh(a.v[2] * h + u.v[2]);
        const T next = g + f * (c - g);
        // The output gate sees the new c.
        return {f, g, next, sigmoid(a.v[1] * h + p.v[1] * next + u.v[1]), tanh(next)};
    }

    __device__ State step(const Vector<T, 3>& u, const State& before) const
    {
        const Gates g = gates(u, before);
        return {g.c, g.o * g.t};
    }

    __device__ Affine<T, size> linearized(const Vector<T, 3>& u, const State& before) const
    {
        const Gates g = gates(u, before);
        const T by_f = (before.v[0] - g.g) * g.f * (T(1) - g.f), by_g = (T(1) - g.f) * (T(1) - g.g * g.g);
        const T by_o = g.t * g.o * (T(1) - g.o);
        // ∂h′/∂c′
        const T q = by_o * p.v[1] + g.o * (T(1) - g.t * g.t);
        const T cc = g.f + by_f * p.v[0], ch = by_f * a.v[0] + by_g * a.v[2];
        return {{cc, ch, q * cc, by_o * a.v[1] + q * ch}, {g.c, g.o * g.t}};
    }

    __device__ State adjoint(const Vector<T, 3>& u, const State& before, const State& by_state, Vector<T, 3>& by_u,
        Vector<T, weights>& by_weights) const
    {
        const T c = before.v[0], h = before.v[1];
        const Gates g = gates(u, before);
        const T by_o = by_state.v[1] * g.t * g.o * (T(1) - g.o);
        const T by_c = by_state.v[0] + by_state.v[1] * g.o * (T(1) - g.t * g.t) + by_o * p.v[1];
        const T by_f = by_c * (c - g.g) * g.f * (T(1) - g.f), by_g = by_c * (T(1) - g.f) * (T(1) - g.g * g.g);
        by_u = {{by_f, by_o, by_g}};
        by_weights = by_weights + Vector<T, weights>{{by_f * h, by_o * h, by_g * h, by_f * c, by_o * g.c}};
        return {by_c * g.f + by_f * p.v[0], by_f * a.v[0] + by_o * a.v[1] + by_g * a.v[2]};
    }
};


// What a step starts from.
template <class Cell> struct Input
{
    Vector<typename Cell::Number, 3> u;
    typename Cell::State before;
};

template <class Cell, class T>
__device__ inline Input<Cell> input_at(const Part& part, const T* u, const T* initial, const T* states, int64 t)
{
    return {load_vector<3>(u + part.at(t, 3), part.channels), state_at<Cell::size>(part, initial, states, t - 1)};
}

// ---- Step by step -------------------------------------------------------------------------------------------------------------------

// A thread for each series; where `only` isn't null, for those that it marks.
template <class Cell, class T = typename Cell::Number>
__global__ void forward(const T* u, const T* a, const T* c, const T* initial, const bool* only, T* states, Plan plan)
{
    plan.chunk = plan.time;
    for (int64 i : grid_range(plan.parts()))
    {
        if (only && !only[i]) continue;
        const Part part(plan, i);
        const Cell cell(a, c, part);
        auto state = start_of<Cell::size, T>(part, initial, nullptr);
        walk<tile>(part, [&](int64 t) { return load_vector<3>(u + part.at(t, 3), part.channels); }, [&](int64 t, const Vector<T, 3>& x)
        {
            state = cell.step(x, state);
            store(states + part.at(t, Cell::size), part.channels, state);
        });
    }
}

// ---- The gradients: a linear recurrence backward in time, with the Jacobians' transposes. --------------------------------------------

// The gradient by what a cell puts out, which is the last number of its state, as one by the state.
template <class Cell, class T> __device__ inline typename Cell::State output_gradient(const Part& part, const T* gradient, int64 t)
{
    typename Cell::State by_state{};
    by_state.v[Cell::size - 1] = gradient[part.at(t, 1)];
    return by_state;
}

template <class Cell, class T = typename Cell::Number>
__global__ void fold_backward(const T* u, const T* a, const T* c, const T* initial, const T* states, const T* gradient,
    Affine<T, Cell::size>* maps, Plan plan)
{
    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        const Cell cell(a, c, part);
        maps[i] = fold<tile>(part, [&](int64 s) -> Affine<T, Cell::size>
        {
            const int64 t = plan.time - 1 - s;
            const auto input = input_at<Cell>(part, u, initial, states, t);
            const auto back = transposed(cell.linearized(input.u, input.before).m);
            return {back, back * output_gradient<Cell>(part, gradient, t)};
        });
    }
}

// by_weights: each part's own sums over time, (batch · chunks, weights · channels). by_initial may be null.
template <class Cell, class T = typename Cell::Number>
__global__ void backward(const T* u, const T* a, const T* c, const T* initial, const T* states, const T* gradient, const T* gradient_last,
    T* by_u, T* by_weights, T* by_initial, Plan plan, const Affine<T, Cell::size>* carries)
{
    struct Item
    {
        Input<Cell> input;
        typename Cell::State gradient;
    };

    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        const Cell cell(a, c, part);
        auto arriving = start_of<Cell::size, T>(part, gradient_last, carries);
        Vector<T, Cell::weights> sums{};
        walk<tile>(part, [&](int64 s) -> Item
        {
            const int64 t = plan.time - 1 - s;
            return {input_at<Cell>(part, u, initial, states, t), output_gradient<Cell>(part, gradient, t)};
        }, [&](int64 s, const Item& item)
        {
            Vector<T, 3> by_row;
            arriving = cell.adjoint(item.input.u, item.input.before, item.gradient + arriving, by_row, sums);
            store(by_u + part.at(plan.time - 1 - s, 3), part.channels, by_row);
        });
        store(by_weights + (part.batch * part.chunks + part.chunk) * Cell::weights * part.channels + part.channel, part.channels, sums);
        if (by_initial && part.is_last()) store(by_initial + part.at(Cell::size), part.channels, arriving);
    }
}

// sums_k = Σ_i parts_ik, always in the same order.
template <class T> __global__ void sum(const T* parts, T* sums, int64 count, int64 columns)
{
    for (int64 k : grid_range(columns))
    {
        T total = 0;
        for (int64 i = 0; i < count; i++) total += parts[i * columns + k];
        sums[k] = total;
    }
}

// ---- Newton's method: at a guess of all states, δ_t = J_t δ_{t−1} + f(s_{t−1}) − s_t is added to each. ---------------------------------

// Before the first time nothing changes.
template <class Cell, class T>
__device__ inline Affine<T, Cell::size> newton_map(const Cell& cell, const Part& part, const T* u, const T* initial, const T* states,
    int64 t)
{
    const auto input = input_at<Cell>(part, u, initial, states, t);
    const auto state = load_vector<Cell::size>(states + part.at(t, Cell::size), part.channels);
    auto map = cell.linearized(input.u, input.before);
    if (t == 0) map.m = {};
#pragma unroll
    for (int k = 0; k < Cell::size; k++) map.r.v[k] -= state.v[k];
    return map;
}

template <class Cell, class T = typename Cell::Number>
__global__ void assemble(const T* u, const T* a, const T* c, const T* initial, const T* states, T* residual, T* jacobian, Plan plan)
{
    // Each time by itself.
    plan.chunk = 1;
    for (int64 i : grid_range(plan.batch * plan.time * plan.channels))
    {
        const Part part(plan, i);
        const auto map = newton_map(Cell(a, c, part), part, u, initial, states, part.begin);
        store(residual + part.at(part.begin, Cell::size), part.channels, map.r);
        store(jacobian + part.at(part.begin, Cell::size * Cell::size), part.channels, map.m);
    }
}

template <class Cell, class T = typename Cell::Number>
__global__ void fold_newton(const T* u, const T* a, const T* c, const T* initial, const T* states, Affine<T, Cell::size>* maps, Plan plan)
{
    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        const Cell cell(a, c, part);
        maps[i] = fold<tile>(part, [&](int64 t) { return newton_map(cell, part, u, initial, states, t); });
    }
}

// next = states + omega δ, held within ±bound, where what is no number becomes 0; a bound of 0 is none. next isn't states: the threads
// of other chunks still read those. worst: each part's largest |f(s_{t−1}) − s_t| at the guess, which is NaN if one of them is.
template <class Cell, class T = typename Cell::Number>
__global__ void newton(const T* u, const T* a, const T* c, const T* initial, const T* states, T* next, T* worst, T omega, T bound,
    Plan plan, const Affine<T, Cell::size>* carries)
{
    for (int64 i : grid_range(plan.parts()))
    {
        const Part part(plan, i);
        const Cell cell(a, c, part);
        auto delta = start_of<Cell::size, T>(part, nullptr, carries);
        T largest = 0;
        walk<tile>(part, [&](int64 t) { return newton_map(cell, part, u, initial, states, t); },
            [&](int64 t, const Affine<T, Cell::size>& map)
            {
                delta = map(delta);
                auto state = load_vector<Cell::size>(states + part.at(t, Cell::size), part.channels);
#pragma unroll
                for (int k = 0; k < Cell::size; k++)
                {
                    largest = Maximum()(largest, T(fabs(map.r.v[k])));
                    T x = state.v[k] + omega * delta.v[k];
                    if (bound > T(0)) x = x != x ? T(0) : x > bound ? bound : x < -bound ? -bound : x;
                    state.v[k] = x;
                }
                store(next + part.at(t, Cell::size), part.channels, state);
            });
        worst[i] = largest;
    }
}
