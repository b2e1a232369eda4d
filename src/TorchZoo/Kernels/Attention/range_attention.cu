// Attention over ranges of keys: see RangeAttention.cs. A block of threads has a tile of 32 queries, or of 32 keys, of one group, and goes
// through all keys, or queries, that these see, 32 at a time. Four threads share a row of the tile. Nothing is added to by two blocks, so
// the bits are the same in every run.
// instantiate: forward<{float,double},{64,128}>
// instantiate: by_queries<{float,double},{64,128}>
// instantiate: by_keys<{float,double},{64,128}>
#include "torchzoo.cuh"

constexpr int rows = 32, block_threads = 128, row_threads = block_threads / rows, row_scores = rows / row_threads;

// Rows of D features and one more number, so that a column lies in all banks.
template <class T, int D> struct Tile { T at[rows][D + 1]; };

template <class T> struct Square { T at[rows][rows + 1]; };

extern __shared__ unsigned char shared_memory[];

template <class T> __device__ inline T* carve(unsigned char*& memory)
{
    T* part = reinterpret_cast<T*>(memory);
    memory += sizeof(T);
    return part;
}

// Rows at some positions, times a factor; zeros behind their width, and below the last.
template <class T, int D>
__device__ inline void load(Tile<T, D>& to, const T* from, int width, const int* positions, int count, T factor)
{
    for (int i = threadIdx.x; i < rows * D; i += block_threads)
    {
        const int r = i / D, c = i % D;
        to.at[r][c] = r < count && c < width ? factor * from[(int64)positions[r] * width + c] : 0;
    }
}

template <class T, int D> __device__ inline T dot(const T (&a)[D + 1], const T (&b)[D + 1])
{
    T sum = 0;
#pragma unroll 8
    for (int x = 0; x < D; x++) sum += a[x] * b[x];
    return sum;
}

// Over the threads of a row.
template <class T, class Op> __device__ inline T row_reduce(T value, Op op)
{
#pragma unroll
    for (int mask = row_threads / 2; mask > 0; mask /= 2) value = op(value, shuffle_xor(value, mask));
    return value;
}

// The first number from `from` to before `to` at which a list that never decreases exceeds a bound.
__device__ inline int first_above(const int* list, int from, int to, int bound)
{
    while (from < to)
    {
        const int middle = from + (to - from) / 2;
        if (list[middle] > bound) to = middle; else from = middle + 1;
    }
    return from;
}

// Which batch item's head is number i of those with this plan.
__device__ inline int64 head_of(int64 i, const int* heads, int planned, int all) { return i / planned * all + heads[i % planned]; }

// The lists of a part, one group behind the other; tiles are pairs of a group and the number of their first query, or key, of all.
#define PART const int* tiles, const int* queries, const int* keys, const int* low, const int* high, const int* query_starts, \
    const int* key_starts, const int* heads, int planned_heads, int all_heads, int64 planned

// output · sum, the largest score, and the sum: continued from what they are.
template <class T, int D>
__global__ void forward(const T* q, const T* k, const T* v, T* output, T* largest, T* sums, PART,
    int64 length, int width, int value_width, T scale)
{
    unsigned char* memory = shared_memory;
    auto &Q = *carve<Tile<T, D>>(memory), &K = *carve<Tile<T, D>>(memory), &V = *carve<Tile<T, D>>(memory);
    auto& P = *carve<Square<T>>(memory);
    const int group = tiles[2 * blockIdx.x], first = tiles[2 * blockIdx.x + 1], key0 = key_starts[group],
        count = min(rows, query_starts[group + 1] - first), from = low[first], to = high[first + count - 1],
        row = threadIdx.x / row_threads, lane = threadIdx.x % row_threads;
    const bool mine = row < count;
    const int l = mine ? low[first + row] : 0, h = mine ? high[first + row] : 0;
    for (int64 i = blockIdx.y; i < planned; i += gridDim.y)
    {
        const int64 head = head_of(i, heads, planned_heads, all_heads) * length;
        const int64 at = mine ? head + queries[first + row] : 0;
        __syncthreads();
        load<T, D>(Q, q + head * width, width, queries + first, count, scale);
        T sum_of[D / row_threads], most = mine ? largest[at] : -infinity<T>(), sum = mine ? sums[at] : 0;
#pragma unroll
        for (int x = 0; x < D / row_threads; x++)
        {
            const int c = lane + x * row_threads;
            sum_of[x] = mine && c < value_width ? output[at * value_width + c] : 0;
        }
        for (int first_key = from; first_key < to; first_key += rows)
        {
            __syncthreads();
            load<T, D>(K, k + head * width, width, keys + key0 + first_key, min(rows, to - first_key), T(1));
            load<T, D>(V, v + head * value_width, value_width, keys + key0 + first_key, min(rows, to - first_key), T(1));
            __syncthreads();
            T scores[row_scores], top = most;
#pragma unroll
            for (int j = 0; j < row_scores; j++)
            {
                const int u = lane + j * row_threads, key = first_key + u;
                scores[j] = key >= l && key < h ? dot<T, D>(Q.at[row], K.at[u]) : -infinity<T>();
                top = Maximum()(top, scores[j]);
            }
            top = row_reduce(top, Maximum());
            const T shift = top == -infinity<T>() ? T(0) : top, factor = most == top ? T(1) : exp(most - shift);
            T total = 0;
#pragma unroll
            for (int j = 0; j < row_scores; j++)
            {
                const T p = exp(scores[j] - shift);
                P.at[row][lane + j * row_threads] = p;
                total += p;
            }
            sum = sum * factor + row_reduce(total, Sum());
            most = top;
            // A row's threads are of one warp.
            __syncwarp();
#pragma unroll
            for (int x = 0; x < D / row_threads; x++) sum_of[x] *= factor;
            for (int u = 0; u < rows; u++)
            {
                const T p = P.at[row][u];
#pragma unroll
                for (int x = 0; x < D / row_threads; x++) sum_of[x] += p * V.at[u][lane + x * row_threads];
            }
        }
        if (!mine) continue;
#pragma unroll
        for (int x = 0; x < D / row_threads; x++)
        {
            const int c = lane + x * row_threads;
            if (c < value_width) output[at * value_width + c] = sum_of[x];
        }
        if (lane == 0) { largest[at] = most; sums[at] = sum; }
    }
}

// The gradient by queries, added to.
template <class T, int D>
__global__ void by_queries(const T* q, const T* k, const T* v, const T* by_output, const T* log_sums, const T* deltas,
    T* by_q, PART, int64 length, int width, int value_width, T scale)
{
    unsigned char* memory = shared_memory;
    auto &Q = *carve<Tile<T, D>>(memory), &G = *carve<Tile<T, D>>(memory), &K = *carve<Tile<T, D>>(memory), &V = *carve<Tile<T, D>>(memory);
    auto& S = *carve<Square<T>>(memory);
    const int group = tiles[2 * blockIdx.x], first = tiles[2 * blockIdx.x + 1], key0 = key_starts[group],
        count = min(rows, query_starts[group + 1] - first), from = low[first], to = high[first + count - 1],
        row = threadIdx.x / row_threads, lane = threadIdx.x % row_threads;
    const bool mine = row < count;
    const int l = mine ? low[first + row] : 0, h = mine ? high[first + row] : 0;
    for (int64 i = blockIdx.y; i < planned; i += gridDim.y)
    {
        const int64 head = head_of(i, heads, planned_heads, all_heads) * length;
        const int64 at = mine ? head + queries[first + row] : 0;
        __syncthreads();
        load<T, D>(Q, q + head * width, width, queries + first, count, scale);
        load<T, D>(G, by_output + head * value_width, value_width, queries + first, count, T(1));
        const T log_sum = mine ? log_sums[at] : 0, delta = mine ? deltas[at] : 0;
        T sum_of[D / row_threads] = {};
        for (int first_key = from; first_key < to; first_key += rows)
        {
            __syncthreads();
            load<T, D>(K, k + head * width, width, keys + key0 + first_key, min(rows, to - first_key), T(1));
            load<T, D>(V, v + head * value_width, value_width, keys + key0 + first_key, min(rows, to - first_key), T(1));
            __syncthreads();
#pragma unroll
            for (int j = 0; j < row_scores; j++)
            {
                const int u = lane + j * row_threads, key = first_key + u;
                S.at[row][u] = key >= l && key < h
                    ? exp(dot<T, D>(Q.at[row], K.at[u]) - log_sum) * (dot<T, D>(G.at[row], V.at[u]) - delta) : T(0);
            }
            __syncwarp();
            for (int u = 0; u < rows; u++)
            {
                const T slope = S.at[row][u];
#pragma unroll
                for (int x = 0; x < D / row_threads; x++) sum_of[x] += slope * K.at[u][lane + x * row_threads];
            }
        }
        if (!mine) continue;
#pragma unroll
        for (int x = 0; x < D / row_threads; x++)
        {
            const int c = lane + x * row_threads;
            if (c < width) by_q[at * width + c] += scale * sum_of[x];
        }
    }
}

// The gradients by keys and values, added to. Tiles are of keys.
template <class T, int D>
__global__ void by_keys(const T* q, const T* k, const T* v, const T* by_output, const T* log_sums, const T* deltas,
    T* by_k, T* by_v, PART, int64 length, int width, int value_width, T scale)
{
    unsigned char* memory = shared_memory;
    auto &Q = *carve<Tile<T, D>>(memory), &G = *carve<Tile<T, D>>(memory), &K = *carve<Tile<T, D>>(memory), &V = *carve<Tile<T, D>>(memory);
    auto &P = *carve<Square<T>>(memory), &S = *carve<Square<T>>(memory);
    const int group = tiles[2 * blockIdx.x], first = tiles[2 * blockIdx.x + 1], count = min(rows, key_starts[group + 1] - first),
        // Ranges count from the group's first key.
        number = first - key_starts[group], row = threadIdx.x / row_threads, lane = threadIdx.x % row_threads,
        from = first_above(high, query_starts[group], query_starts[group + 1], number),
        to = first_above(low, query_starts[group], query_starts[group + 1], number + count - 1);
    const bool mine = row < count;
    for (int64 i = blockIdx.y; i < planned; i += gridDim.y)
    {
        const int64 head = head_of(i, heads, planned_heads, all_heads) * length;
        const int64 at = mine ? head + keys[first + row] : 0;
        __syncthreads();
        load<T, D>(K, k + head * width, width, keys + first, count, T(1));
        load<T, D>(V, v + head * value_width, value_width, keys + first, count, T(1));
        T of_key[D / row_threads] = {}, of_value[D / row_threads] = {};
        for (int first_query = from; first_query < to; first_query += rows)
        {
            const int seen = min(rows, to - first_query);
            __syncthreads();
            load<T, D>(Q, q + head * width, width, queries + first_query, seen, scale);
            load<T, D>(G, by_output + head * value_width, value_width, queries + first_query, seen, T(1));
            __syncthreads();
#pragma unroll
            for (int j = 0; j < row_scores; j++)
            {
                const int u = lane + j * row_threads, query = first_query + u;
                T share = 0, slope = 0;
                if (mine && u < seen && number + row >= low[query] && number + row < high[query])
                {
                    const int64 position = head + queries[query];
                    share = exp(dot<T, D>(Q.at[u], K.at[row]) - log_sums[position]);
                    slope = share * (dot<T, D>(G.at[u], V.at[row]) - deltas[position]);
                }
                P.at[row][u] = share;
                S.at[row][u] = slope;
            }
            __syncwarp();
            for (int u = 0; u < seen; u++)
            {
                const T share = P.at[row][u], slope = S.at[row][u];
#pragma unroll
                for (int x = 0; x < D / row_threads; x++)
                {
                    of_value[x] += share * G.at[u][lane + x * row_threads];
                    of_key[x] += slope * Q.at[u][lane + x * row_threads];
                }
            }
        }
        if (!mine) continue;
#pragma unroll
        for (int x = 0; x < D / row_threads; x++)
        {
            const int c = lane + x * row_threads;
            // The queries were loaded with the scale.
            if (c < width) by_k[at * width + c] += of_key[x];
            if (c < value_width) by_v[at * value_width + c] += of_value[x];
        }
    }
}
