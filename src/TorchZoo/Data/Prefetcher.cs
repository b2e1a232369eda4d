using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// Makes batches on a thread of its own while others are trained on, and copies them to their device. It owns every batch that it has not
/// handed out: whatever happens, none is left to the garbage collector.
/// </summary>
internal sealed class Prefetcher : IDisposable
{
    private readonly BlockingCollection<Batch> _ready;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;

    /// <summary>Begins at once.</summary>
    /// <param name="batches">What to make.</param>
    /// <param name="device">Where the batches are wanted.</param>
    /// <param name="ahead">How many may wait.</param>
    public Prefetcher(IEnumerable<Batch> batches, Device device, int ahead)
    {
        _ready = new BlockingCollection<Batch>(ahead);
        _thread = new Thread(() => Produce(batches, device)) { IsBackground = true, Name = "TorchZoo prefetch" };
        _thread.Start();
    }

    /// <summary>The batches in order; each belongs to the caller, and to no dispose scope. What making one threw comes out here.</summary>
    public IEnumerable<Batch> Batches()
    {
        foreach (var batch in _ready.GetConsumingEnumerable()) yield return batch;
        _failure?.Throw();
    }

    /// <summary>Stops the thread, waits for it and disposes of what it made.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        foreach (var batch in _ready) batch.Dispose();
        _ready.Dispose();
        _stop.Dispose();
    }

    private void Produce(IEnumerable<Batch> batches, Device device)
    {
        try
        {
            using var enumerator = batches.GetEnumerator();
            while (!_stop.IsCancellationRequested)
            {
                Batch batch;
                using (var scope = NewDisposeScope())
                {
                    using var off = no_grad();
                    if (!enumerator.MoveNext()) break;
                    batch = enumerator.Current.To(device);
                    // Tensors of the dataset itself stay its own.
                    if (!batch.Tensors.All(scope.Contains)) batch = batch.With([.. batch.Tensors.Select(t => scope.Contains(t) ? t : t.alias())]);
                    foreach (var tensor in batch.Tensors) scope.Detach(tensor);
                }
                try { _ready.Add(batch, _stop.Token); }
                catch (OperationCanceledException) { batch.Dispose(); }
            }
        }
        catch (Exception e) { _failure = ExceptionDispatchInfo.Capture(e); }
        finally { _ready.CompleteAdding(); }
    }
}
