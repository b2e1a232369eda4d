namespace TorchZoo.Models.Sequences;

/// <summary>A sequence that is being generated: the keys and values of each layer that later positions attend to.</summary>
public sealed class SparseTransformerState : IDisposable
{
    internal SparseTransformerState(IReadOnlyList<AttentionCache> caches) => Caches = caches;

    /// <summary>How many positions it has.</summary>
    public int Position { get; internal set; }

    /// <summary>How many positions' keys and values each layer holds.</summary>
    public IReadOnlyList<int> CacheSizes => [.. Caches.Select(c => c.Count)];

    internal IReadOnlyList<AttentionCache> Caches { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var cache in Caches) cache.Dispose();
    }
}
