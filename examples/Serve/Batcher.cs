using System.Diagnostics;
using System.Threading.Channels;

namespace Serve;

/// <summary>How a <see cref="Batcher"/> works.</summary>
/// <param name="MaxBatch">Most functions that the model gets at once.</param>
/// <param name="MaxWait">How long the first of a batch waits for others.</param>
/// <param name="Capacity">Most functions that wait or are computed; one more is refused.</param>
public sealed record BatcherOptions(int MaxBatch = 16, TimeSpan MaxWait = default, int Capacity = 256);

/// <summary>More is asked for than the model can do.</summary>
public sealed class OverloadedException() : Exception("Too many requests are waiting; try again later.");

/// <summary>A function on a grid.</summary>
/// <param name="Shape">(channels, d1, …, dN)</param>
/// <param name="Values">Its values, the last axis fastest.</param>
public sealed record Sample(long[] Shape, float[] Values);

/// <summary>
/// Gathers what arrives at about the same time into batches, and computes them one after the other on one thread of its own: libtorch has
/// its threads for each thread that calls it, and a model is faster with a batch than with as many calls.
/// </summary>
/// <remarks>Functions of different shapes don't fit into a batch: each batch is of the shape of whoever has waited longest.</remarks>
public sealed class Batcher : IDisposable
{
    private readonly Func<Sample[], Sample[]> _compute;
    private readonly BatcherOptions _options;
    private readonly Channel<Request> _arriving = Channel.CreateUnbounded<Request>(new() { SingleReader = true });
    private readonly Thread _worker;
    private Task<bool>? _arrival;
    private int _inside;
    private long _batches, _answered, _cancelled;

    /// <param name="compute">From samples of one shape to as many results; is called on one thread only.</param>
    /// <param name="options">How to work.</param>
    public Batcher(Func<Sample[], Sample[]> compute, BatcherOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaxBatch);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Capacity);
        (_compute, _options) = (compute, options);
        _worker = new Thread(Work) { IsBackground = true, Name = nameof(Batcher) };
        _worker.Start();
    }

    /// <summary>Whether it still answers.</summary>
    public bool IsRunning => _worker.IsAlive;

    /// <summary>What it has done.</summary>
    public (long Batches, long Answered, long Cancelled, int Waiting) Counts =>
        (Volatile.Read(ref _batches), Volatile.Read(ref _answered), Volatile.Read(ref _cancelled), Volatile.Read(ref _inside));

    /// <summary>The result for one sample.</summary>
    /// <exception cref="OverloadedException">Too much is waiting.</exception>
    /// <exception cref="OperationCanceledException">Whoever asked gave up; what has not been begun is not computed.</exception>
    /// <exception cref="ObjectDisposedException">It was stopped.</exception>
    public async Task<Sample> Predict(Sample sample, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _inside) > _options.Capacity)
        {
            Interlocked.Decrement(ref _inside);
            throw new OverloadedException();
        }
        // The worker must not run what comes after the request.
        var request = new Request(sample, new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            ObjectDisposedException.ThrowIf(!_arriving.Writer.TryWrite(request), this);
            using var giveUp = cancellation.Register(() => request.Result.TrySetCanceled(cancellation));
            return await request.Result.Task;
        }
        finally { Interlocked.Decrement(ref _inside); }
    }

    /// <summary>Answers what has arrived, then stops.</summary>
    public void Dispose()
    {
        _arriving.Writer.TryComplete();
        _worker.Join();
    }

    private void Work()
    {
        var waiting = new List<Request>();
        while (Gather(waiting))
        {
            var batch = waiting.Where(r => r.Fits(waiting[0])).Take(_options.MaxBatch).ToArray();
            waiting.RemoveAll(batch.Contains);
            Answer(batch);
        }
    }

    // Until there is a full batch for the one that has waited longest, or it has waited long enough. False: no more will come.
    private bool Gather(List<Request> waiting)
    {
        while (true)
        {
            while (_arriving.Reader.TryRead(out var next)) waiting.Add(next);
            _cancelled += waiting.RemoveAll(r => r.Result.Task.IsCompleted);
            var left = Timeout.InfiniteTimeSpan;
            if (waiting.Count > 0)
            {
                left = _options.MaxWait - Stopwatch.GetElapsedTime(waiting[0].Arrival);
                if (left <= TimeSpan.Zero || waiting.Count(r => r.Fits(waiting[0])) >= _options.MaxBatch) return true;
            }
            _arrival ??= _arriving.Reader.WaitToReadAsync().AsTask();
            if (!_arrival.Wait(left)) continue;
            if (!_arrival.Result) return waiting.Count > 0;
            _arrival = null;
        }
    }

    private void Answer(Request[] batch)
    {
        try
        {
            var results = _compute([.. batch.Select(r => r.Sample)]);
            for (var i = 0; i < batch.Length; i++) batch[i].Result.TrySetResult(results[i]);
            _answered += batch.Length;
        }
        catch (Exception e)
        {
            // These requests failed; the next ones may not.
            foreach (var request in batch) request.Result.TrySetException(e);
        }
        _batches++;
    }

    private sealed record Request(Sample Sample, TaskCompletionSource<Sample> Result)
    {
        public long Arrival { get; } = Stopwatch.GetTimestamp();

        public bool Fits(Request other) => Sample.Shape.AsSpan().SequenceEqual(other.Sample.Shape);
    }
}
