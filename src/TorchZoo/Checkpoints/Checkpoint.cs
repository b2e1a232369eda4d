using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Checkpoints;

/// <summary>A run's state as a file: the module's name, configuration and weights, and what training needs to go on.</summary>
public sealed class Checkpoint : IDisposable
{
    /// <summary>The module's name in <see cref="Zoo"/>; null for a bare state dict.</summary>
    public string? ModelName { get; init; }

    /// <summary>The module's configuration (JSON); null for a bare state dict.</summary>
    public string? ModelConfig { get; init; }

    /// <summary>Weights.</summary>
    public required IReadOnlyDictionary<string, Tensor> State { get; init; }

    /// <summary>Reads a file.</summary>
    public static Checkpoint Load(string path) => throw new NotSupportedException(path);

    /// <summary>Copies the weights into a module.</summary>
    public void LoadInto(nn.Module module) => throw new NotSupportedException(module.GetName());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in State.Values) tensor.Dispose();
    }
}
