using static TorchSharp.torch;

namespace TorchZoo.Data.Operators;

/// <summary>
/// Input functions, where the outputs are asked for, and what the outputs are there: from a <see cref="TripleDataset"/> row by row, from a
/// <see cref="CartesianProductDataset"/> for all pairs of a function and a location.
/// </summary>
/// <param name="U">Values of the input functions at the sensors, (batch, sensors); row by row or one a function.</param>
/// <param name="Y">Locations: (batch, d), or (locations, d) common to all functions.</param>
/// <param name="Target">G(u)(y): (batch, outputs), or (batch, locations[, outputs]).</param>
public sealed record OperatorBatch(Tensor U, Tensor Y, Tensor Target) : Batch
{
    /// <inheritdoc/>
    public override IReadOnlyList<Tensor> Tensors => [U, Y, Target];

    /// <summary>Number of triples, or of functions.</summary>
    public override long Count => U.shape[0];

    /// <inheritdoc/>
    public override Batch With(IReadOnlyList<Tensor> tensors) => new OperatorBatch(tensors[0], tensors[1], tensors[2]);
}
