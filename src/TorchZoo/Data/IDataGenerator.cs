using static TorchSharp.torch;

namespace TorchZoo.Data;

/// <summary>
/// A source of generated data, such as solved differential equations. An implementation is a record whose properties are all the settings that the data depend on,
/// so that two equal generators with the same seed make the same data.
/// </summary>
public interface IDataGenerator
{
    /// <summary>Short name, e.g. <c>burgers</c>: part of file names.</summary>
    string Name { get; }

    /// <summary>Draws and solves a number of cases.</summary>
    /// <param name="samples">Cases, ≥ 0. The first ones do not depend on how many follow.</param>
    /// <param name="seed">Seed of all randomness.</param>
    /// <param name="display">Shows how far the work is.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>Named tensors, cases along the first axis unless they are common to all; the caller disposes of them.</returns>
    Dictionary<string, Tensor> Generate(long samples, long seed, IProgressDisplay? display = null,
        CancellationToken cancellation = default);
}
