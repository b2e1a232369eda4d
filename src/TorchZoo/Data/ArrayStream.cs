using TorchZoo.Data.Formats;
using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Rows of arrays in files that may be larger than memory. Blocks of rows are read in an order that epoch and seed decide, and the rows of
/// the blocks that are in memory are mixed, so that a batch has rows of many places of the files. Of several files the rows follow one
/// another.
/// </summary>
/// <remarks>
/// In memory are the rows of <see cref="ArrayStreamOptions.BufferBlocks"/> blocks and less than a batch that was left of those before.
/// Processes share the blocks as <see cref="BatchOrder"/> says. Files whose rows are scattered, as MATLAB's are, are read through for each
/// block: convert these once.
/// </remarks>
public sealed class ArrayStream : IStreamingDataset, IDisposable
{
    private readonly string[] _arrays;
    private readonly Func<IReadOnlyList<Tensor>, Batch> _batch;
    private readonly ArrayStreamOptions _options;
    private readonly List<ArrayFile> _files = [];
    private readonly List<Block> _blocks = [];
    private readonly Lock _reading = new();
    private long _heldRows;

    private readonly record struct Block(ArrayFile File, long First, int Count);

    /// <summary>Opens the files; their numbers are read when they are asked for.</summary>
    /// <param name="paths">Files of any format of <see cref="ArrayFile"/>, at least one.</param>
    /// <param name="arrays">Names of the arrays that make an example, the same in each file; row i of each belongs to example i.</param>
    /// <param name="batch">The batch of their rows, in the order of <paramref name="arrays"/>, e.g. <c>t => new Pairs(t[0], t[1])</c>. It
    /// takes the tensors over.</param>
    /// <param name="options">How to read; null: blocks of 64 rows, 16 at a time, shuffled.</param>
    /// <exception cref="ArgumentException">There is no file or array, arrays have different numbers of rows, files different shapes or types,
    /// or there are no rows.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public ArrayStream(
        IEnumerable<string> paths, IEnumerable<string> arrays, Func<IReadOnlyList<Tensor>, Batch> batch, ArrayStreamOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(paths);
        ArgumentNullException.ThrowIfNull(arrays);
        ArgumentNullException.ThrowIfNull(batch);
        (_arrays, _batch, _options) = ([.. arrays], batch, options ?? new ArrayStreamOptions());
        if (_arrays.Length == 0) throw new ArgumentException("Expected the name of an array at least", nameof(arrays));
        try
        {
            var (first, end) = (_options.FirstRow, _options.Rows is { } limit ? _options.FirstRow + limit : long.MaxValue);
            var begin = 0L;
            foreach (var path in paths)
            {
                var file = ArrayFile.Open(path);
                _files.Add(file);
                var rows = RowsOf(file, nameof(arrays));
                AddBlocks(file, Math.Max(0, first - begin), Math.Min(rows, end - begin));
                begin += rows;
            }
            if (_files.Count == 0) throw new ArgumentException("Expected a file at least", nameof(paths));
            if (_options.Rows is not null && begin < end)
                throw new ArgumentException($"Expected at least {end} rows, the files have {begin}", nameof(options));
            if (_blocks.Count == 0) throw new ArgumentException($"There are no rows: the files have {begin}, the first wanted is {first}", nameof(paths));
            Rows = _blocks.Sum(b => (long)b.Count);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Number of examples.</summary>
    public long Rows { get; }

    /// <summary>The most rows that were in memory at a time.</summary>
    internal long PeakRows { get; private set; }

    /// <summary>Batches in which every example is seen once, the last perhaps smaller; with several processes, on average.</summary>
    /// <param name="batchSize">Examples in a batch.</param>
    /// <param name="ranks">How many processes share the examples.</param>
    public long BatchesPerEpoch(int batchSize, int ranks = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(ranks, 1);
        var share = (Rows + ranks - 1) / ranks;
        return (share + batchSize - 1) / batchSize;
    }

    /// <summary>The batches, pass after pass over the examples, without end; the last batch of a pass may be smaller. A position within an
    /// epoch is found without reading what is before it.</summary>
    /// <inheritdoc/>
    public IEnumerable<Batch> Batches(StreamPosition position)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(position.BatchSize, 1, nameof(position));
        var skip = position.FirstBatch;
        for (var pass = 0UL; ; pass++)
        {
            // A pass that follows another within an epoch has an order of its own.
            var seed = pass == 0 ? position.Seed : Seed.Derive(position.Seed, pass);
            var buffers = BuffersOf(position, seed);
            var batches = (buffers.Sum(b => b.Sum(block => (long)block.Count)) + position.BatchSize - 1) / position.BatchSize;
            if (skip >= batches)
            {
                skip -= batches;
                continue;
            }
            foreach (var batch in Pass(buffers, skip * position.BatchSize, position, seed)) yield return batch;
            skip = 0;
        }
    }

    /// <summary>Closes the files. Batches that were handed out stay.</summary>
    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    private long RowsOf(ArrayFile file, string parameter)
    {
        foreach (var name in _arrays)
        {
            var info = file[name];
            if (info.Shape.Count == 0) throw new ArgumentException($"{file.Path}: '{name}' is a single number; it has no rows", parameter);
            if (info.Rows != file[_arrays[0]].Rows)
                throw new ArgumentException($"{file.Path}: expected as many rows of each array, got {file[_arrays[0]]} and {info}", parameter);
            var other = _files[0][name];
            if (info.Dtype != other.Dtype || !info.Shape.Skip(1).SequenceEqual(other.Shape.Skip(1)) || !SameCategories(info, other))
                throw new ArgumentException($"Expected rows of one kind, got {other} in {_files[0].Path} and {info} in {file.Path}", parameter);
        }
        return file[_arrays[0]].Rows;
    }

    private static bool SameCategories(ArrayInfo a, ArrayInfo b) =>
        a.Categories is null ? b.Categories is null : b.Categories is not null && a.Categories.SequenceEqual(b.Categories);

    private void AddBlocks(ArrayFile file, long from, long to)
    {
        for (var first = from; first < to; first += _options.BlockRows)
            _blocks.Add(new Block(file, first, (int)Math.Min(_options.BlockRows, to - first)));
    }

    // The blocks of one process, in their order, as many at a time as the buffer takes.
    private List<Block[]> BuffersOf(StreamPosition position, ulong seed)
    {
        // A batch of the order is what all processes have in their buffers.
        var together = (int)Math.Min(int.MaxValue, (long)_options.BufferBlocks * position.Ranks);
        var order = new BatchOrder(_blocks.Count, together, _options.Shuffle, DropLast: false, seed)
        {
            Rank = position.Rank,
            Ranks = position.Ranks,
        };
        return [.. order.Epoch(position.Epoch).Select(numbers => Array.ConvertAll(numbers.data<long>().ToArray(), i => _blocks[(int)i]))];
    }

    private IEnumerable<Batch> Pass(List<Block[]> buffers, long row, StreamPosition position, ulong seed)
    {
        Tensor[]? left = null, buffer = null;
        Tensor? order = null;
        try
        {
            for (var number = 0; number < buffers.Count; number++)
            {
                var count = buffers[number].Sum(b => b.Count);
                if (row >= count)
                {
                    row -= count;
                    continue;
                }
                buffer = Read(buffers[number], count);
                order = OrderOf(count, Seed.Derive(Seed.Derive(Seed.Derive(seed, (ulong)position.Epoch), (ulong)position.Rank), (ulong)number));
                while (row < count)
                {
                    var taken = (int)Math.Min(position.BatchSize - (left is null ? 0 : left[0].shape[0]), count - row);
                    var isBatch = taken + (left is null ? 0 : left[0].shape[0]) == position.BatchSize || number == buffers.Count - 1;
                    var part = Take(buffer, order, row, taken, left, isBatch);
                    Release(ref left);
                    row += taken;
                    if (isBatch) yield return _batch(part);
                    else
                    {
                        left = part;
                        Hold(part[0].shape[0]);
                    }
                }
                row = 0;
                Release(ref buffer);
                order.Dispose();
                order = null;
            }
        }
        finally
        {
            Release(ref left);
            Release(ref buffer);
            order?.Dispose();
        }
    }

    private Tensor[] Read(Block[] blocks, int count)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        Tensor[] result = [.. _arrays.Select(n => blocks[0].File[n]).Select(i => empty([count, .. i.Shape.Skip(1)], i.Dtype))];
        Hold(count);
        lock (_reading)
        {
            var at = 0L;
            foreach (var block in blocks)
            {
                for (var i = 0; i < result.Length; i++)
                {
                    using var rows = block.File.Read(_arrays[i], block.First, block.Count);
                    using var place = result[i].narrow(0, at, block.Count);
                    place.copy_(rows);
                }
                at += block.Count;
            }
        }
        foreach (var tensor in result) scope.Detach(tensor);
        return result;
    }

    private Tensor OrderOf(int count, ulong seed)
    {
        using var generator = new Generator(seed);
        return (_options.Shuffle ? randperm(count, generator: generator) : arange(count)).DetachFromDisposeScope();
    }

    // Some rows of the buffer, behind those that were left: as a batch they are the caller's, or its dispose scope's; else nobody's yet.
    private static Tensor[] Take(Tensor[] buffer, Tensor order, long first, long count, Tensor[]? left, bool isBatch)
    {
        using var scope = NewDisposeScope();
        using var off = no_grad();
        var numbers = order.narrow(0, first, count);
        Tensor[] rows = [.. buffer.Select((b, i) => left is null ? b.index_select(0, numbers) : cat([left[i], b.index_select(0, numbers)]))];
        foreach (var tensor in rows)
            if (isBatch) tensor.MoveToOuterDisposeScope();
            else scope.Detach(tensor);
        return rows;
    }

    private void Hold(long rows)
    {
        lock (_reading) PeakRows = Math.Max(PeakRows, _heldRows += rows);
    }

    private void Release(ref Tensor[]? tensors)
    {
        if (tensors is null) return;
        Hold(-tensors[0].shape[0]);
        foreach (var tensor in tensors) tensor.Dispose();
        tensors = null;
    }
}
